"""SmolLM2's chat format: prefixes, the turns behind a picture, and batches of packed conversations for training.

A picture is read once for several conversations. Each sees the prefix, the picture and itself; positions restart behind the
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

from dialogue import make_dialogues, make_turn
from draw import draw
from kinds import NO_KIND
from labels import patch_labels
from packing import _CONTENT
from questions import ask
from scene import Scene, make_scene
from vision import PATCH, SIDE

from language import BLOCKED, GGUF, model_file

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # the model's own default
DIALOGUES = 6
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
        """Ids of an answer with its end, and their weights in the loss: words that carry the answer 1, others 0.4."""
        coded = self.tokenizer.encode(text + "<|im_end|>", add_special_tokens=False)
        weights = []
        for start, end in coded.offsets:
            left = len(re.search(r"[a-z]*$", text[:start].lower())[0]) if start < len(text) and text[start].isalpha() else 0
            word = re.match(r"[^a-z]*([a-z]*)", text[start - left :].lower())[1]
            weights.append(1.0 if start < len(text) and word in _CONTENT else 0.4)
        return coded.ids, weights


def caption(scene: Scene, variant: int = 0) -> str:
    """A true description in two sentences: the things and the background."""
    return ask(scene, np.random.default_rng([scene.seed, 7]), "describe", True).answers[variant]


def opening(examples: list[tuple[str, str]] = ()) -> str:
    """System turn, earlier turns (user, assistant) in text, and the start of the user's turn."""
    turns = "".join(f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n{said}<|im_end|>\n" for asked, said in examples)
    return f"<|im_start|>system\n{SYSTEM}<|im_end|>\n{turns}<|im_start|>user\n"


def closing(prompt: str) -> str:
    """From behind the picture or caption to where the answer begins."""
    return f"\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


def prefix_text(index: int) -> str:
    """Prefix of the training's number `index`: every other one has an earlier turn in text."""
    if index % 2 == 0:
        return opening()
    scene = make_scene(EXAMPLE_SEED + index)
    turn = make_turn(scene, np.random.default_rng([scene.seed, 8]), 0)
    return opening([(f"{caption(scene, index // 2 % 3)}\n{turn.prompt}", turn.answer)])


@dataclass
class Batch:
    pixels: Tensor  # uint8 [B, 3, S, S]
    kind: Tensor  # [B, P], background patches hold NO_KIND + background
    ids: Tensor  # [B, T]
    positions: Tensor  # [B, T], from 0 behind the picture
    mask: Tensor  # additive [B, 1, P + T, P + T]
    rows: Tensor  # flat indices into [B, T] of the rows to learn
    targets: Tensor
    weights: Tensor
    asked: list[tuple[int, str]]  # index into rows where a turn's answer begins, topic


def make_batch(tokens: Tokens, seed: int, count: int, dialogues: int = DIALOGUES) -> Batch:
    pixels, kinds, texts, learn, asked = [], [], [], [], []
    for index in range(count):
        scene = make_scene(seed + index)
        picture, owner = draw(scene, SIDE)
        labels = patch_labels(scene, owner, PATCH)
        pixels.append(picture.transpose(2, 0, 1))
        kinds.append(np.where(labels["kind"] == NO_KIND, NO_KIND + scene.background, labels["kind"]))
        ids, positions, owners = [], [], []
        for number, dialogue in enumerate(make_dialogues(scene, dialogues, 0)):
            start = len(ids)
            for turn in dialogue:
                ids += tokens.encode(closing(turn.prompt) if len(ids) == start else f"\n<|im_start|>user{closing(turn.prompt)}")
                asked.append((len(learn), turn.question.topic))
                for token, weight in zip(*tokens.answer(turn.answer)):
                    learn.append((index, len(ids) - 1, token, weight))
                    ids.append(token)
            ids.pop()  # nothing follows the last end
            positions += range(len(ids) - start)
            owners += [number] * (len(ids) - start)
        texts.append((ids, positions, owners))
    longest = max(len(ids) for ids, _, _ in texts)
    fill = lambda part, value: torch.tensor([text[part] + [value] * (longest - len(text[part])) for text in texts])
    owners = fill(2, -1)
    total = PATCHES + longest
    open_ = torch.ones(total, total).tril().bool().repeat(count, 1, 1)
    open_[:, PATCHES:, PATCHES:] &= owners[:, :, None] == owners[:, None, :]
    return Batch(torch.from_numpy(np.stack(pixels)), torch.from_numpy(np.stack(kinds)), fill(0, 0), fill(1, 0),
                 (~open_).float()[:, None] * BLOCKED, torch.tensor([b * longest + row for b, row, _, _ in learn]),
                 torch.tensor([token for _, _, token, _ in learn]), torch.tensor([weight for *_, weight in learn]), asked)
