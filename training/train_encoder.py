"""Stage 1: the encoder alone, on the scenes' own labels (labels.py). Cheap, because no decoder runs.

Heads on the hidden state of layer -2 (what the projector will read): the kind of each patch, where it lies, and, on the
patches of things, the relations. Heads on the class token: kinds present, count, background; they also teach it where to
look, which is what the compression's importance is. The heads are thrown away afterwards.
"""

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import parallel
from draw import draw
from kinds import BACKGROUNDS, MAX_OBJECTS, NO_KIND
from labels import IGNORE, RELATIONS, patch_labels
from optimiser import Optimisers, trapezoid
from run import Run, arguments
from scene import EVAL_SEED, make_scene
from vision import GRID, PATCH, SIDE, WIDTH, Encoder

BATCH = 128
ECHO, BLOCK = 2, 50  # every scene is learned from twice, 50 batches apart: drawing is a sixth of the work
SPARSE, FULL_FROM = 32, 0.75  # patches a picture in the first three quarters of the samples: background is mostly left out


def make_batch(seed: int, count: int) -> dict[str, np.ndarray]:
    """Pixels uint8 [B, 3, S, S] and the stacked labels of scenes seed .. seed + count - 1."""
    rows = []
    for s in range(seed, seed + count):
        scene = make_scene(s)
        picture, owner = draw(scene, SIDE)
        rows.append({"pixels": picture.transpose(2, 0, 1), **patch_labels(scene, owner, PATCH)})
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


class Scenes:
    """The batches of training scenes by step, the same ones on every resume; keeps those that come again."""

    def __init__(self) -> None:
        self.kept: dict[int, dict[str, Tensor]] = {}

    def batch(self, step: int) -> dict[str, Tensor]:
        block, inside = divmod(step, BLOCK * ECHO)
        index = block * BLOCK + inside % BLOCK
        if index not in self.kept:
            self.kept = {i: kept for i, kept in self.kept.items() if i > index - BLOCK}
            self.kept[index] = tensors(make_batch(*parallel.share(index * BATCH, BATCH)))
        return self.kept[index]


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.kind = nn.Linear(WIDTH, NO_KIND + 1)
        self.position = nn.Linear(WIDTH, 2)
        self.scene = nn.Linear(WIDTH, MAX_OBJECTS + len(BACKGROUNDS))
        self.relations = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, sum(RELATIONS.values())))
        self.present = nn.Linear(WIDTH, NO_KIND)
        self.class_scene = nn.Linear(WIDTH, MAX_OBJECTS + len(BACKGROUNDS))
        line = torch.linspace(-1, 1, GRID)
        self.register_buffer("grid", torch.stack([line.repeat(GRID), line.repeat_interleave(GRID)], 1), persistent=False)

    def forward(self, hidden: Tensor, class_state: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Summed loss, and the scores (fractions right; squared error for the position) as tensors."""
        b, p = batch["kind"].shape
        x = self.norm(hidden[:, 1:])
        flat = x.reshape(b * p, -1)
        kind, scores = batch["kind"].reshape(-1), {}
        logits = self.kind(flat)
        on_thing = (kind != NO_KIND) & (kind != IGNORE)
        weight = torch.full((NO_KIND + 1,), 1.0)
        weight[NO_KIND] = 0.25
        loss = F.cross_entropy(logits, kind, weight)
        scores["kind"] = (logits.argmax(1) == kind)[on_thing].float().mean()
        position = F.mse_loss(self.position(x), self.grid[batch["patches"]])
        loss = loss + position
        scores["position"] = position.detach()
        loss = loss + 0.15 * self._scene_loss(self.scene(flat), batch, p, "patch", scores)
        loss = loss + 0.5 * self._scene_loss(self.class_scene(class_state), batch, 1, "class", scores)
        present = self.present(class_state)
        loss = loss + 8 * F.binary_cross_entropy_with_logits(present, batch["present"])
        scores["exact_set"] = ((present > 0) == (batch["present"] > 0)).all(1).float().mean()
        chosen = on_thing.nonzero()[:, 0]
        outputs = self.relations(flat[chosen]).split(list(RELATIONS.values()), 1)
        targets = batch["relations"].reshape(b * p, -1)[chosen]
        for index, (name, out) in enumerate(zip(RELATIONS, outputs)):
            target = targets[:, index]
            loss = loss + 0.2 * F.cross_entropy(out, target)
            scores[name] = (out.argmax(1) == target)[target != IGNORE].float().mean()
        return loss, scores

    @staticmethod
    def _scene_loss(logits: Tensor, batch: dict[str, Tensor], repeat: int, prefix: str, scores: dict[str, Tensor]) -> Tensor:
        total, background = (batch[key].repeat_interleave(repeat) for key in ("total", "background"))
        counts, grounds = logits.split([MAX_OBJECTS, len(BACKGROUNDS)], 1)
        scores[prefix + "_total"] = (counts.argmax(1) == total).float().mean()
        scores[prefix + "_background"] = (grounds.argmax(1) == background).float().mean()
        return F.cross_entropy(counts, total) + F.cross_entropy(grounds, background)


def choose_patches(kind: Tensor, count: int) -> Tensor:
    """`count` patches of each picture, ascending [B, count]: those on things first, the others at random. kind [B, P].

    Two thirds of the patches are plain background: leaving most of them out early halves the work and loses little."""
    b, p = kind.shape
    if count >= p:
        return torch.arange(p).expand(b, -1)
    return (torch.rand(b, p) + (kind != NO_KIND)).topk(count, 1).indices.sort(1).values


def at_patches(batch: dict[str, Tensor], patches: Tensor) -> dict[str, Tensor]:
    """The batch with its patch labels at the chosen patches."""
    relations = batch["relations"].gather(1, patches[..., None].expand(-1, -1, batch["relations"].shape[2]))
    return {**batch, "kind": batch["kind"].gather(1, patches), "relations": relations, "patches": patches}


def block_matrices(blocks: nn.ModuleList) -> list[Tensor]:
    """The weights that Muon takes, fused q/k/v marked as three."""
    found = []
    for name, p in blocks.named_parameters():
        if p.ndim == 2:
            if "qkv" in name:
                p.parts = 3
            found.append(p)
    return found


def tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {key: torch.from_numpy(value) for key, value in batch.items()}


@torch.no_grad()
def validate(encoder: Encoder, heads: Heads, held_out: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean scores; the workers share the batches."""
    rows = []
    for batch in held_out[parallel.rank() :: parallel.world()]:
        batch = at_patches(batch, choose_patches(batch["kind"], GRID**2))
        hidden = encoder(batch["pixels"])
        rows.append(heads(hidden, encoder.class_state(hidden), batch)[1])
    rows = [row for part in parallel.gather(rows) for row in part]
    return {key: float(np.mean([float(row[key]) for row in rows])) for key in rows[0]}


def main() -> None:
    args = arguments(samples=240_000).parse_args()
    run = Run(args.runs, "encoder")
    encoder, heads = Encoder(), Heads()
    matrices = block_matrices(encoder.blocks)
    taken = {id(p) for p in matrices}
    optimisers = Optimisers(matrices, [p for m in (encoder, heads) for p in m.parameters() if id(p) not in taken])
    done = 0
    if (state := run.load()) is not None:
        encoder.load_state_dict(state["encoder"])
        heads.load_state_dict(state["heads"])
        optimisers.load_state_dict(state["optimisers"])
        done = state["done"]
    held_out = [tensors(make_batch(EVAL_SEED + (1 << 30) + i * 128, 128)) for i in range(4)]
    scenes = Scenes()
    last, since, seen = time.time(), done, {}
    while done < args.samples:
        full = done >= FULL_FROM * args.samples
        batch = scenes.batch(done // BATCH)
        batch = at_patches(batch, choose_patches(batch["kind"], GRID**2 if full else SPARSE))
        hidden = encoder(batch["pixels"], only=None if full else batch["patches"])
        loss, scores = heads(hidden, encoder.class_state(hidden), batch)
        loss.backward()
        norm = optimisers.step(trapezoid(done, args.samples, 4000))
        done += BATCH
        for key, value in {"loss": loss.detach(), **scores}.items():
            seen[key] = seen.get(key, 0.0) * 0.9 + float(value) * 0.1 if key in seen else float(value)
        if (done // BATCH) % 20 == 0:
            run.log(samples=done, per_second=(done - since) / (time.time() - last), norm=norm, **seen)
            last, since = time.time(), done
        if (done // BATCH) % 120 == 0:
            run.log(samples=done, held_out=1, **validate(encoder, heads, held_out))
            last, since = time.time(), done
        if run.due() or done >= args.samples:
            run.save({"encoder": encoder.state_dict(), "heads": heads.state_dict(), "optimisers": optimisers.state_dict(), "done": done})


if __name__ == "__main__":
    parallel.launch(main)
