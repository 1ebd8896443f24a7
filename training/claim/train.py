"""Trains the projector between the shipped encoder and SmolLM2-135M-Instruct, both frozen, on captions and plain questions.

python training/claim/train.py [--runs FOLDER] [--samples PICTURES] [--resume FILE --done N]. The same command resumes from the
folder's checkpoint; --resume starts from a committed projector instead. First, without the language model, each projected
patch learns to stand for the word of what it shows. FOVEA_WORKERS: processes, one thread each.
"""

import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from projector import PATCHES, Projector, frozen_encoder

import parallel
from evaluate import read_safetensors
from kinds import BACKGROUNDS, KINDS
from optimiser import Optimisers
from run import Run, arguments
from scene import EVAL_SEED

from conversation import Batch, Tokens, make_batch, prefix_text
from language import Language, Prefix

BATCH, PREFIXES = 4, 24
NAMING_ROOM = 64
FIRST_SEED = 1 << 37  # scenes that the encoder was not trained on
NAMING, NAMING_BATCH, NAMING_RATE = 4080, 24, 3.0
HELD_OUT, VALIDATE_EVERY = 48, 400


class Model:
    def __init__(self, tokens: Tokens, dtype: torch.dtype) -> None:
        self.language, self.encoder = Language(dtype), frozen_encoder()
        self.projector = Projector(self.language.width)
        words = [tokens.encode(" " + name) for name in [kind.name for kind in KINDS] + BACKGROUNDS]
        self.words = torch.stack([self.language.exact[torch.tensor(ids)].mean(0) for ids in words])
        self.prefixes: list[Prefix] = [self.language.read(tokens.encode(prefix_text(index))) for index in range(PREFIXES)]

    def features(self, pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return self.encoder(pixels)[:, 1:]

    def naming_loss(self, batch: Batch) -> tuple[Tensor, float]:
        """Projected patches against the embeddings of their words: distance, and choice among all words."""
        known = batch.kind >= 0
        tokens, kind = self.projector(self.features(batch.pixels))[known] / self.projector.scale, batch.kind[known]
        words = self.words / self.projector.scale
        logits = F.normalize(tokens, dim=1) @ F.normalize(words, dim=1).t() * 10
        thing = kind < len(KINDS)
        weight = torch.where(thing, 1 / thing.sum().clamp_min(1), 1 / (~thing).sum().clamp_min(1)) / 2
        losses = F.cross_entropy(logits, kind, reduction="none") + (tokens - words[kind]).square().mean(1)
        return (losses * weight).sum(), float((logits.argmax(1) == kind)[thing].float().mean())

    def logits(self, batch: Batch, prefix: int) -> Tensor:
        """Logits of the rows to learn [R, V]."""
        before = self.prefixes[prefix]
        past, text = before.rows, self.language.embed(batch.ids)
        x = torch.cat([self.projector(self.features(batch.pixels)).to(text.dtype), text], 1)
        count = x.shape[0]
        positions = torch.cat([torch.arange(PATCHES).expand(count, -1), batch.positions + PATCHES], 1) + past
        x = self.language.learn(x, positions, F.pad(batch.mask, (past, 0)), before)
        return self.language.logits(x[:, PATCHES:].reshape(-1, x.shape[2])[batch.rows]).float()


def answer_loss(logits: Tensor, batch: Batch) -> Tensor:
    return (F.cross_entropy(logits, batch.targets, reduction="none") * batch.weights).sum() / batch.weights.sum()


def topic_scores(logits: Tensor, batch: Batch) -> dict[str, list[bool]]:
    """Per topic: are all words that carry the answer predicted, the rest being given?"""
    right = (logits.argmax(1) == batch.targets) | (batch.weights < 1)
    ends = [at for at, _ in batch.asked[1:]] + [len(right)]
    found: dict[str, list[bool]] = {}
    for (at, topic), end in zip(batch.asked, ends):
        found.setdefault(topic, []).append(bool(right[at:end].all()))
    return found


@torch.no_grad()
def validate(model: Model, held_out: list[Batch]) -> dict[str, float]:
    parts: dict[str, list[bool]] = {}
    losses = []
    for index, batch in enumerate(held_out):
        if index % parallel.world() == parallel.rank():
            logits = model.logits(batch, index % PREFIXES)
            losses.append(float(answer_loss(logits, batch)))
            for topic, values in topic_scores(logits, batch).items():
                parts.setdefault(topic, []).extend(values)
    gathered = parallel.gather({**parts, "loss": losses})
    names = sorted(set().union(*gathered))
    scores = {name: [v for part in gathered for v in part.get(name, [])] for name in names}
    every = [v for name, values in scores.items() if name != "loss" for v in values]
    return {**{name: float(np.mean(values)) for name, values in scores.items()}, "all": float(np.mean(every)), "questions": len(every)}


def main() -> None:
    parser = arguments(samples=20_000)
    parser.set_defaults(runs=os.environ.get("FOVEA_CLAIM", str(Path.home() / ".cache/fovea-claim")))
    parser.add_argument("--resume", type=Path, help="a committed projector to go on from, for a folder without a checkpoint")
    parser.add_argument("--done", type=int, default=0, help="pictures that the projector of --resume has seen")
    parser.add_argument("--exact", action="store_true", help="the language model in float32, for processors without AMX")
    parser.add_argument("--rate", type=float, default=1.0, help="factor of the learning rate")
    args = parser.parse_args()
    run, tokens = Run(args.runs, "projector"), Tokens()
    model, projector = (made := Model(tokens, torch.float32 if args.exact else torch.bfloat16)), made.projector
    matrices = [projector.linear1.weight, projector.linear2.weight]
    # At three times the rate, as in naming, the loss of the first hundred pictures rose above its start.
    optimisers = Optimisers(matrices, [projector.linear1.bias, projector.linear2.bias], muon_lr=0.007, adam_lr=5e-4)
    first = make_batch(tokens, FIRST_SEED - 64, 64, NAMING_ROOM)
    done, average = args.done, None
    if (state := run.load()) is not None:
        projector.load_state_dict(state["projector"])
        optimisers.load_state_dict(state["optimisers"])
        done, average = state["done"], state["average"]
    else:
        projector.calibrate(model.features(first.pixels), model.language.exact)
        if args.resume:
            projector.unfold(read_safetensors(args.resume))
        else:
            name_patches(model, tokens, optimisers, run)
    if average is None:
        average = {key: value.clone() for key, value in projector.state_dict().items()}
    held_out = [make_batch(tokens, EVAL_SEED + (1 << 30) + i, 4) for i in range(0, HELD_OUT, 4)]
    if done == args.done:
        run.log(pictures=done, held_out=1, **validate(model, held_out))
    start, last, since, seen = done, time.time(), done, {}
    while done < args.samples:
        batch = make_batch(tokens, *parallel.share(FIRST_SEED + NAMING + done, BATCH))
        logits = model.logits(batch, int(np.random.default_rng([done, 9]).integers(PREFIXES)))
        loss = answer_loss(logits, batch)
        loss.backward()
        rise = min(1.0, (done - start + BATCH) / 80)
        norm = optimisers.step(args.rate * rise * min(1.0, max(0.02, (args.samples - done) / (0.8 * args.samples))))
        done += BATCH
        keep = min(0.98, 1 - 1 / (1 + (done - args.done) / BATCH))
        for key, value in projector.state_dict().items():
            average[key].lerp_(value, 1 - keep)
        right = [v for values in topic_scores(logits.detach(), batch).values() for v in values]
        for key, value in {"loss": float(loss.detach()), "right": float(np.mean(right))}.items():
            seen[key] = seen.get(key, value) * 0.95 + value * 0.05
        if (done // BATCH) % 10 == 0:
            rate = (done - since) / (time.time() - last)
            run.log(pictures=done, per_second=rate, answers_per_second=rate * len(batch.asked) / len(batch.pixels), norm=norm, **seen)
            last, since = time.time(), done
        if done % VALIDATE_EVERY < BATCH or done >= args.samples:
            held = {key: value.clone() for key, value in projector.state_dict().items()}
            projector.load_state_dict(average)
            run.log(pictures=done, held_out=1, **validate(model, held_out))
            projector.load_state_dict(held)
            last, since = time.time(), done
        if run.due(120) or done >= args.samples:
            run.save({"projector": projector.state_dict(), "average": average, "optimisers": optimisers.state_dict(), "done": done})


def name_patches(model: Model, tokens: Tokens, optimisers: Optimisers, run: Run) -> None:
    for done in range(0, NAMING, NAMING_BATCH):
        batch = make_batch(tokens, *parallel.share(FIRST_SEED + done, NAMING_BATCH), NAMING_ROOM)
        loss, right = model.naming_loss(batch)
        loss.backward()
        optimisers.step(NAMING_RATE * min(1.0, (done + NAMING_BATCH) / 480) * min(1.0, max(0.05, (NAMING - done) / (0.6 * NAMING))))
        if done // NAMING_BATCH % 10 == 0:
            run.log(naming=done, loss=float(loss.detach()), right=right)


if __name__ == "__main__":
    parallel.launch(main)
