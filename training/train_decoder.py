"""Stages 2 to 4. `--stage decoder`: projector and decoder on the frozen encoder's features. `--stage joint`: all of it, with
VMTC at random budgets and CMAI on most batches, as the paper trains with both modules in place. `--stage form`: projector and decoder
learn to fill in forms beside everything else, with both modules as in the joint stage; the encoder stays as it is.

Each picture is read once for about ten packed conversations (packing.py). Early in stage 2 the projected patches must also
name their kind through the embedding, with a weight that falls to zero.
"""

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import parallel
import vision
from decoder import Decoder
from dialogue import make_dialogues
from draw import draw
from kinds import KINDS, NO_KIND
from labels import IGNORE, patch_labels
from optimiser import Optimisers, trapezoid
from packing import masks, pack, prefix_ids
from run import Run, arguments
from scene import EVAL_SEED, make_scene
from tokenizer import Tokenizer
from train_encoder import block_matrices, choose_patches
from vision import PATCH, SIDE, Encoder
from vmtc import Budget

BATCH, DIALOGUES = 24, 12
SPARSE, FULL_FROM = 32, 0.6  # image tokens of stage 2 at first, as in stage 1; all of them for the rest
PATCHES = vision.GRID**2
FIRST_SEED = {"decoder": 0, "joint": 1 << 38, "form": 1 << 39}  # each stage sees scenes of its own
STARTS_FROM = {"decoder": "encoder", "joint": "decoder", "form": "joint"}
FORMS = 0.5  # share of the conversations of stage 4 that are forms
PLAIN = 1 / 3  # share of the joint batches without compression, and of those without inhibition


def make_batch(tokenizer: Tokenizer, ramp: int, seed: int, count: int, forms: float = 0.0) -> dict:
    """Pixels, patch kinds and packed text of `count` scenes. Instructions rise from a quarter of the questions to a half."""
    out: dict = {"pixels": [], "kind": [], "ids": [], "positions": [], "owner": [], "rows": [], "targets": [], "weights": [], "asked": []}
    for index in range(count):
        scene = make_scene(seed + index)
        instructed = 0.25 + 0.25 * min(1.0, scene.seed / ramp) if ramp else 0.5
        picture, owner = draw(scene, SIDE)
        packed = pack(tokenizer, make_dialogues(scene, DIALOGUES, instructed, forms))
        out["pixels"].append(picture.transpose(2, 0, 1))
        out["kind"].append(patch_labels(scene, owner, PATCH)["kind"])
        out["asked"] += [(len(out["rows"]) + at, turn.question.topic, turn.task["task"] if turn.task else 0) for at, turn in packed.asked]
        out["rows"] += [index * len(packed.ids) + row for row in packed.rows]
        for key in ("ids", "positions", "owner"):
            out[key].append(getattr(packed, key))
        out["targets"] += packed.targets
        out["weights"] += packed.weights
    arrays = {key: np.stack(out[key]) for key in ("pixels", "kind", "ids", "positions", "owner")}
    return {**arrays, "rows": np.array(out["rows"]), "targets": np.array(out["targets"]),
            "weights": np.array(out["weights"], np.float32), "asked": out["asked"]}


class Model:
    """Encoder and decoder together, and the loss of a batch."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.encoder, self.decoder = Encoder(), Decoder(len(tokenizer.vocabulary))
        self.prefix = prefix_ids(tokenizer)
        self.names = torch.tensor([tokenizer.encode(" " + kind.name)[0] for kind in KINDS])

    def calibrate(self, pixels: Tensor) -> None:
        """Scales the fresh projector so that its input is of unit spread and its output starts like an embedding."""
        with torch.no_grad():
            features = self.encoder(pixels)[:, 1:]
            self.decoder.linear1.weight.normal_(0, 1.2 / (features.shape[2] ** 0.5 * float(features.std())))
            self.decoder.linear2.weight.normal_(0, 1.2 / self.decoder.linear2.weight.shape[1] ** 0.5)

    def logits(self, batch: dict, budget: Budget | None, max_ratio: float, frozen: bool, only: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits of the rows to learn [R, V], and the projected image tokens. `only` [B, N]: read these patches alone."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            features = self.encoder(torch.from_numpy(batch["pixels"]), budget, only)[:, 1:]
        tokens = self.decoder.project(features)
        kept = self.decoder.read_image(self.prefix, tokens)
        mask = torch.from_numpy(masks(batch["owner"]))
        text = (torch.from_numpy(batch[key]) for key in ("ids", "positions"))
        return self.decoder.read_text(*text, mask, kept, len(self.prefix), max_ratio, torch.from_numpy(batch["rows"])), tokens

    def naming_loss(self, tokens: Tensor, kind: Tensor) -> Tensor:
        on_thing = ((kind != NO_KIND) & (kind != IGNORE)).reshape(-1)
        chosen = tokens.reshape(-1, tokens.shape[2])[on_thing]
        logits = self.decoder.norm(chosen) @ self.decoder.embedding[self.names].t()
        return F.cross_entropy(logits, kind.reshape(-1)[on_thing])


def answer_loss(logits: Tensor, batch: dict) -> Tensor:
    weights = torch.from_numpy(batch["weights"])
    losses = F.cross_entropy(logits, torch.from_numpy(batch["targets"]), reduction="none")
    return (losses * weights).sum() / weights.sum()


def topic_scores(logits: Tensor, batch: dict) -> dict[str, list[bool]]:
    """Per topic (and "task n" for instructed turns): are all words that carry the answer predicted, the rest being given?"""
    right = (logits.argmax(1).numpy() == batch["targets"]) | (batch["weights"] < 1)
    strict = logits.argmax(1).numpy() == batch["targets"]
    found: dict[str, list[bool]] = {}
    starts = [at for at, _, _ in batch["asked"]] + [len(right)]
    for (at, topic, task), end in zip(batch["asked"], starts[1:]):
        found.setdefault(topic if not task else "instructed", []).append(bool(right[at:end].all()))
        if task:
            found.setdefault("tasks", []).append(float(strict[at:end].mean()))
    return found


@torch.no_grad()
def validate(model: Model, held_out: list[dict], budget: Budget | None = None, max_ratio: float = 0.0) -> dict[str, float]:
    """Mean scores; the workers share the batches."""
    found: dict[str, list[bool]] = {}
    for batch in held_out[parallel.rank() :: parallel.world()]:
        for key, values in topic_scores(model.logits(batch, budget, max_ratio, True)[0], batch).items():
            found.setdefault(key, []).extend(values)
    parts = parallel.gather(found)
    found = {key: [v for part in parts for v in part.get(key, [])] for key in sorted(set().union(*parts))}
    scores = {key: float(np.mean(values)) for key, values in found.items()}
    scores["all"] = float(np.mean([v for key, values in found.items() if key not in ("instructed", "tasks", "form") for v in values]))
    return scores


def budget_of(tokens: int) -> Budget | None:
    return Budget.of(tokens, PATCHES, vision.BLOCKS, vision.RUN_BLOCKS)


def joint_setting(seed: int) -> tuple[Budget | None, float]:
    """The random budget and inhibition of the batch that starts at a seed."""
    rng = np.random.default_rng([seed, 4])
    tokens = PATCHES if rng.random() < PLAIN else int(np.exp(rng.uniform(np.log(8), np.log(PATCHES))))
    return budget_of(tokens), 0.0 if rng.random() < PLAIN else 0.6


def main() -> None:
    parser = arguments(samples=60_000)
    parser.add_argument("--stage", choices=list(FIRST_SEED), required=True)
    args = parser.parse_args()
    joint, fresh = args.stage == "joint", args.stage == "decoder"
    forms = FORMS if args.stage == "form" else 0.0
    run = Run(args.runs, args.stage)
    tokenizer = Tokenizer.load(Path(args.runs) / "tokenizer.json")
    model = Model(tokenizer)
    matrices = block_matrices(model.decoder.layers) + [model.decoder.linear1.weight, model.decoder.linear2.weight]
    taken = {id(p) for p in matrices}
    trained = [Optimisers(matrices, [p for p in model.decoder.parameters() if id(p) not in taken], muon_lr=0.02 if fresh else 0.01)]
    if joint:
        blocks = block_matrices(model.encoder.blocks[: vision.RUN_BLOCKS])
        others = [model.encoder.patch.weight, model.encoder.position, model.encoder.class_token]
        trained.append(Optimisers(blocks, others, muon_lr=0.003, adam_lr=1e-4))
    first, done = FIRST_SEED[args.stage], 0
    if (state := run.load()) is not None:
        model.encoder.load_state_dict(state["encoder"])
        model.decoder.load_state_dict(state["decoder"])
        for optimisers, saved in zip(trained, state["optimisers"]):
            optimisers.load_state_dict(saved)
        done = state["done"]
    else:
        earlier = torch.load(run.folder / f"{STARTS_FROM[args.stage]}.pt")
        model.encoder.load_state_dict(earlier["encoder"])
        if not fresh:
            model.decoder.load_state_dict(earlier["decoder"])
    held_out = [make_batch(tokenizer, 0, EVAL_SEED + (1 << 30) + i * 48, 48, forms) for i in range(4)]
    if state is None and fresh:
        model.calibrate(torch.from_numpy(held_out[0]["pixels"]))

    def log_held_out() -> None:
        run.log(samples=done, held_out=1, **validate(model, held_out))
        if not fresh:
            run.log(samples=done, held_out=1, tokens=32, inhibition=0.6, **validate(model, held_out, budget_of(32), 0.6))

    if state is None and not fresh:
        log_held_out()
    last, since, seen = time.time(), done, {}
    while done < args.samples:
        batch = make_batch(tokenizer, args.samples // 3 if fresh else 0, *parallel.share(first + done, BATCH), forms)
        budget, max_ratio = (None, 0.0) if fresh else joint_setting(first + done)
        sparse = fresh and done < FULL_FROM * args.samples
        kind, only = torch.from_numpy(batch["kind"]), None
        if sparse:
            only = choose_patches(kind, SPARSE)
            kind = kind.gather(1, only)
        logits, tokens = model.logits(batch, budget, max_ratio, not joint, only)
        loss = answer_loss(logits, batch)
        naming = 0.2 * max(0.0, 1 - done / (0.4 * args.samples))
        total = loss
        if naming > 0 and fresh:
            named = model.naming_loss(tokens, kind)
            total, seen["naming"] = loss + naming * named, float(named.detach())
        total.backward()
        factor = trapezoid(done, args.samples, *(2400, 0.35) if fresh else (600, 0.8))
        norm = max(optimisers.step(factor) for optimisers in trained)
        done += BATCH
        now = {"loss": float(loss.detach()), **{k: float(np.mean(v)) for k, v in topic_scores(logits.detach(), batch).items()}}
        for key, value in now.items():
            seen[key] = seen.get(key, value) * 0.95 + value * 0.05
        if (done // BATCH) % 20 == 0:
            run.log(samples=done, per_second=(done - since) / (time.time() - last), norm=norm, **seen)
            last, since = time.time(), done
        if (done // BATCH) % 100 == 0:
            log_held_out()
            last, since = time.time(), done
        if run.due() or done >= args.samples:
            run.save({"encoder": model.encoder.state_dict(), "decoder": model.decoder.state_dict(), "done": done,
                      "optimisers": [optimisers.state_dict() for optimisers in trained]})


if __name__ == "__main__":
    parallel.launch(main)
