"""SmolLM2's chat format: prefixes, the turns after a picture, and batches of packed conversations for training.

A picture is read once for several conversations. Each sees the prefix, the picture and itself; positions restart after the
picture for each. Captions and plain questions only: no conversation holds an instruction about form.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from projector import PATCHES  # first: it makes the demo's modules importable

from dialogue import Turn, make_turn
from draw import draw
from kinds import NO_KIND
from labels import patch_labels
from packing import _CONTENT
from questions import ask
from scene import Scene, make_scene
from vision import PATCH, SIDE

from language import BLOCKED, GGUF, model_file

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # the model's own default
TEXT_ROWS = 192  # of a picture's conversations, about seven; one shape for all batches, so that oneDNN plans each product once
# The tasks' own topics are most frequent. By the demo's shares, a third of all answers would be about places and relations, which no task asks for.
TOPICS = {"describe": 0.24, "what": 0.2, "category": 0.15, "exist": 0.13, "count": 0.08, "count_kind": 0.08, "background": 0.06,
          "where": 0.03, "relation": 0.03}
KEPT, OTHER = 0.5, 0.5  # of pieces that do not carry the answer: the share that is learned, to save logits, and its weight in the loss
EXAMPLE_SEED = 1 << 39  # scenes of earlier turns in text


class Tokens:
    """The model's tokenizer, converted once from its GGUF file."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        folder = model_file().parent / "tokenizer"
        if not (folder / "tokenizer.json").exists():
            from transformers import AutoTokenizer

            AutoTokenizer.from_pretrained(str(model_file().parent), gguf_file=Path(GGUF).name).save_pretrained(folder)
        self.file = folder / "tokenizer.json"
        self.tokenizer = Tokenizer.from_file(str(self.file))

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def answer(self, text: str) -> tuple[list[int], list[float]]:
        """Ids of an answer with its end, and their weights in the loss: words that carry the answer 1, others less."""
        coded = self.tokenizer.encode(text + "<|im_end|>", add_special_tokens=False)
        weights = []
        for start, end in coded.offsets:
            left = len(re.search(r"[a-z]*$", text[:start].lower())[0]) if start < len(text) and text[start].isalpha() else 0
            word = re.match(r"[^a-z]*([a-z]*)", text[start - left :].lower())[1]
            weights.append(1.0 if start < len(text) and word in _CONTENT else OTHER)
        return coded.ids, weights


def caption(scene: Scene, variant: int = 0) -> str:
    """A true description in two sentences: the things and the background."""
    return ask(scene, np.random.default_rng([scene.seed, 7]), "describe", True).answers[variant]


def opening(examples: list[tuple[str, str]] = ()) -> str:
    """System turn, earlier turns (user, assistant) in text, and the start of the user's turn."""
    turns = "".join(f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n{said}<|im_end|>\n" for asked, said in examples)
    return f"<|im_start|>system\n{SYSTEM}<|im_end|>\n{turns}<|im_start|>user\n"


def closing(prompt: str) -> str:
    """The text from the picture or caption to the start of the answer."""
    return f"\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


def prefix_text(index: int) -> str:
    """Prefix of the training's number `index`: every other one has an earlier turn in text."""
    if index % 2 == 0:
        return opening()
    scene = make_scene(EXAMPLE_SEED + index)
    turn = make_turn(scene, np.random.default_rng([scene.seed, 8]), 0)
    return opening([(f"{caption(scene, index // 2 % 3)}\n{turn.prompt}", turn.answer)])


def make_dialogue(scene: Scene, rng: np.random.Generator) -> list[Turn]:
    """One turn, in one of eight cases two (half of these describe the picture first)."""
    topic = lambda: list(TOPICS)[int(rng.choice(len(TOPICS), p=list(TOPICS.values())))]
    first = [make_turn(scene, rng, 0, "describe" if rng.random() < 0.5 else topic())] if rng.random() < 0.125 else []
    return first + [make_turn(scene, rng, 0, topic())]


@dataclass
class Batch:
    pixels: Tensor  # uint8 [B, 3, S, S]
    kind: Tensor  # [B, P], background patches hold NO_KIND + background
    ids: Tensor  # [B, T]
    positions: Tensor  # [B, T], from 0 after the picture
    mask: Tensor  # additive [B, 1, P + T, P + T]
    rows: Tensor  # flat indices into [B, T] of the rows to learn
    targets: Tensor
    weights: Tensor
    asked: list[tuple[int, str]]  # index into rows where a turn's answer begins, topic


def make_batch(tokens: Tokens, seed: int, count: int, room: int = TEXT_ROWS) -> Batch:
    """Pictures of consecutive seeds, each with as many conversations as `room` rows hold: none that does not fit, up to the third."""
    pixels, kinds, texts, learn, asked = [], [], [], [], []
    for index in range(count):
        scene = make_scene(seed + index)
        picture, owner = draw(scene, SIDE)
        labels = patch_labels(scene, owner, PATCH)
        pixels.append(picture.transpose(2, 0, 1))
        kinds.append(np.where(labels["kind"] == NO_KIND, NO_KIND + scene.background, labels["kind"]))
        rng = np.random.default_rng([scene.seed, 3])
        ids, positions, owners, number, misfits = [], [], [], 0, 0
        while misfits < 3:
            said, rows, topics = [], [], []
            for turn in make_dialogue(scene, rng):
                said += tokens.encode(f"\n<|im_start|>user{closing(turn.prompt)}" if said else closing(turn.prompt))
                topics.append((len(learn) + len(rows), turn.question.topic))
                for token, weight in zip(*tokens.answer(turn.answer)):
                    if weight == 1 or rng.random() < KEPT:
                        rows.append((index, len(ids) + len(said) - 1, token, weight))
                    said.append(token)
            said.pop()  # nothing follows the last end
            if len(ids) + len(said) > room:
                misfits += 1
                continue
            positions += range(len(said))
            owners += [number] * len(said)
            ids, learn, asked, number = ids + said, learn + rows, asked + topics, number + 1
        texts.append((ids, positions, owners))
    fill = lambda part, value: torch.tensor([text[part] + [value] * (room - len(text[part])) for text in texts])
    owners = fill(2, -1)
    total = PATCHES + room
    open_ = torch.ones(total, total).tril().bool().repeat(count, 1, 1)
    open_[:, PATCHES:, PATCHES:] &= owners[:, :, None] == owners[:, None, :]
    return Batch(torch.from_numpy(np.stack(pixels)), torch.from_numpy(np.stack(kinds)), fill(0, 0), fill(1, 0),
                 (~open_).float()[:, None] * BLOCKED, torch.tensor([b * room + row for b, row, _, _ in learn]),
                 torch.tensor([token for _, _, token, _ in learn]), torch.tensor([weight for *_, weight in learn]), asked)
