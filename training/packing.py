"""Turns dialogues into the packed token rows that decoder.py describes. Knows the prompt's format and nothing of a model.

Prompt, as LLaVA writes it: `<s>USER: ` picture `\\n{question} ASSISTANT:` ` {answer}</s>` and, for later turns, `USER: ...`.
A form stands without the blank before it: the engine's grammar of a JSON schema allows none.
"""

import json
import re
from dataclasses import dataclass

import numpy as np

from dialogue import Turn
from forms import Form
from kinds import BACKGROUNDS, CATEGORIES, KINDS, NUMBERS
from tokenizer import BOS, EOS, PAD, Tokenizer

CHUNKS, LENGTH = 3, 96
_CONTENT = {w for k in KINDS for w in (k.name, k.plural)} | set(BACKGROUNDS) | set(NUMBERS) | set(CATEGORIES)
_CONTENT |= {"yes", "top", "bottom", "left", "right", "middle", "nothing", "above", "below", "over", "under"}
_CONTENT |= {"in", "on", "at"}  # "on the left", "in the top left": by them an answer decides between a side, a corner and the middle


def prefix_ids(tokenizer: Tokenizer) -> list[int]:
    return [tokenizer.vocabulary[BOS], *tokenizer.encode("USER: ")]


def prompt_ids(tokenizer: Tokenizer, prompt: str, first: bool) -> list[int]:
    return tokenizer.encode(f"\n{prompt} ASSISTANT:" if first else f"USER: {prompt} ASSISTANT:")


def answer_ids(tokenizer: Tokenizer, turn: Turn) -> tuple[list[int], list[float]]:
    """Ids of the answer with its end token, and each one's weight in the loss: words that carry the answer 1, others less."""
    if turn.form is not None:
        return form_ids(tokenizer, turn.form)
    ids: list[int] = []
    weights: list[float] = []
    other = 0.4 if turn.task is None else 0.6
    for word in re.findall(r"[ \"*]*[^\s]+|\s+", " " + turn.answer):
        core = re.sub(r"[^a-z]", "", word.lower())
        ids_of_word = tokenizer.encode(word)
        ids += ids_of_word
        weights += [1.0 if core in _CONTENT else other] * len(ids_of_word)
    whole = tokenizer.encode(" " + turn.answer)
    if ids != whole:  # a blank or a sign that joins otherwise: keep the true ids, weigh them alike
        ids, weights = whole, [0.7] * len(whole)
    return ids + [tokenizer.vocabulary[EOS]], weights + [other]


def form_ids(tokenizer: Tokenizer, form: Form) -> tuple[list[int], list[float]]:
    """Ids of a form and their weights. Values weigh 1. Names that the prompt does not give come from a grammar: they weigh little, and the
    opening nothing, so that the prompt alone does not lead to JSON."""
    name_weight = 0.4 if form.named else 0.1
    of_character: list[float] = []
    for at, (name, value) in enumerate(form.fields.items()):
        opening = '{"' if at == 0 else ', "'
        of_character += [0.4 if form.named or at > 0 else 0.0] * len(opening) + [name_weight] * len(f'{name}": ')
        of_character += [1.0] * len(json.dumps(value))
    ids, weights, at = tokenizer.encode(form.text), [], 0
    of_character.append(0.4)
    for one in ids:
        end = at + len(tokenizer.pieces[one])
        weights.append(max(of_character[at:end]))
        at = end
    return ids + [tokenizer.vocabulary[EOS]], weights + [0.4]


@dataclass
class Packed:
    """One picture's text. ids, positions, owner [S]; targets: rows, next ids, weights; `questions` conversations went in."""

    ids: np.ndarray
    positions: np.ndarray
    owner: np.ndarray
    rows: list[int]
    targets: list[int]
    weights: list[float]
    asked: list[tuple[int, Turn]]  # index into rows where a turn's answer begins


def pack(tokenizer: Tokenizer, dialogues: list[list[Turn]]) -> Packed:
    """First fit, in order; a conversation that no chunk has room for is left out."""
    pad = tokenizer.vocabulary[PAD]
    out = Packed(np.full(CHUNKS * LENGTH, pad, np.int64), np.zeros(CHUNKS * LENGTH, np.int64), np.full(CHUNKS * LENGTH, -1, np.int64), [], [], [], [])
    used = [0] * CHUNKS
    for index, dialogue in enumerate(dialogues):
        ids: list[int] = []
        learn: list[tuple[int, int, float]] = []
        begins = []
        for turn in dialogue:
            ids += prompt_ids(tokenizer, turn.prompt, not ids)
            begins.append((len(learn), turn))
            for token, weight in zip(*answer_ids(tokenizer, turn)):
                learn.append((len(ids) - 1, token, weight))
                ids.append(token)
        ids.pop()  # nothing follows the last end token
        chunk = next((c for c in range(CHUNKS) if used[c] + len(ids) <= LENGTH), None)
        if chunk is None:
            continue
        start = chunk * LENGTH + used[chunk]
        span = slice(start, start + len(ids))
        out.ids[span], out.positions[span], out.owner[span] = ids, np.arange(len(ids)), index
        out.asked += [(len(out.rows) + at, turn) for at, turn in begins]
        for at, token, weight in learn:
            out.rows.append(start + at)
            out.targets.append(token)
            out.weights.append(weight)
        used[chunk] += len(ids)
    return out


def masks(owner: np.ndarray) -> np.ndarray:
    """owner [B, S] -> additive masks [B, CHUNKS, L, L]: a row sees earlier rows of its own conversation and itself."""
    o = owner.reshape(owner.shape[0], -1, LENGTH) if owner.shape[1] % LENGTH == 0 else owner[:, None]
    same = o[..., :, None] == o[..., None, :]
    causal = np.tril(np.ones((o.shape[-1],) * 2, bool))
    return np.where(same & causal, 0, -1e9).astype(np.float32)
