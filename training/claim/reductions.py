"""How a picture's tokens are reduced and inhibited in a setting: names, and the output of encoder and projector.

VMTC comes from the training's vmtc.py; the other methods are written from their rules: pool (spatial down-sampling, SPD),
prune-last (LLP), PruMerge with a given number of tokens, and diverse (DivPrune, after the projector).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from projector import GRID, PATCHES, project

import vision
from vmtc import Budget

MAX_RATIO = 0.6


@dataclass
class Setting:
    method: str  # caption, noise, full, vmtc, drop, fuse, prune-last, prumerge, diverse, pool
    tokens: int = PATCHES
    inhibited: bool = False


def parse(name: str) -> Setting:
    """"full", "vmtc-32", "pool-2+cmai", "caption" and so on; the number is that of tokens, for pool the side of a window."""
    method, plus, module = name.partition("+")
    if plus and module != "cmai":
        raise SystemExit(f'setting "{name}": after + only cmai can stand')
    method, _, number = method.rpartition("-") if method[-1:].isdigit() else (method, "", "")
    known = ("caption", "noise", "full", "vmtc", "drop", "fuse", "prune-last", "prumerge", "diverse", "pool")
    if method not in known:
        raise SystemExit(f'setting "{name}": "{method}" is none of {", ".join(known)}')
    return Setting(method, int(number or PATCHES), bool(plus))


@torch.no_grad()
def picture_tokens(setting: Setting, encoder: vision.Encoder, projector: dict[str, Tensor], pixels: Tensor) -> Tensor:
    """pixels uint8 [B, 3, S, S] -> rows for the language model [B, N, C]."""
    method, tokens = setting.method, setting.tokens
    if method in ("vmtc", "drop", "fuse"):
        clusters = {"vmtc": None, "drop": 0, "fuse": 1}[method]
        budget = Budget.of(tokens, PATCHES, vision.BLOCKS, vision.RUN_BLOCKS, clusters=clusters)
        return project(projector, encoder(pixels, budget)[:, 1:])
    if method == "pool":
        grid = encoder(pixels)[:, 1:].transpose(1, 2).unflatten(2, (GRID, GRID))
        return project(projector, F.avg_pool2d(grid, tokens, ceil_mode=True, count_include_pad=False).flatten(2).transpose(1, 2))
    if method in ("prune-last", "prumerge"):
        return project(projector, _after_encoder(method, tokens, encoder, pixels))
    rows = project(projector, encoder(pixels)[:, 1:])
    return rows if method == "full" else torch.stack([row[_diverse(row, tokens)] for row in rows])


def _after_encoder(method: str, tokens: int, encoder: vision.Encoder, pixels: Tensor) -> Tensor:
    x = encoder.embed(pixels)
    for block in encoder.blocks[: vision.RUN_BLOCKS]:
        before = x
        x, weights = block.attend(x)
        x = block.mlp(x)
    share = weights[:, :, 0, 1:].mean(1)
    patches = x[:, 1:]
    order = share.sort(dim=1, descending=True, stable=True).indices
    if method == "prune-last":
        return patches.gather(1, order[:, :tokens].sort(1).values[..., None].expand(-1, -1, vision.WIDTH))
    keys = block.qkv(block.norm1(before)).unflatten(2, (3, vision.HEADS, -1))[:, 1:, 1].mean(2)
    keys = F.normalize(keys, dim=2)
    out = []
    for a, kept, row, key in zip(share, order, patches, keys):
        kept, dropped = kept[: tokens - 1].sort().values, kept[tokens - 1 :].sort().values
        near = (key[kept] @ key[dropped].t()).sort(dim=1, descending=True, stable=True).indices[:, :32]
        added = (a[dropped, None] * row[dropped])[near].sum(1)
        out.append(torch.cat([row[kept] + added, (a[dropped, None] * row[dropped]).sum(0, keepdim=True)]))
    return torch.stack(out)


def _diverse(rows: Tensor, tokens: int) -> Tensor:
    """Indices of the rows that differ most from each other, ascending."""
    unit = F.normalize(rows, dim=1)
    distance = 1 - unit @ unit.t()
    first_best = lambda values: int((values >= values.max() - 1e-6).int().argmax())
    kept = [first_best(distance.clone().fill_diagonal_(torch.inf).min(1).values)]
    while len(kept) < tokens:
        nearest = distance[kept].min(0).values
        nearest[kept] = -torch.inf
        kept.append(first_best(nearest))
    return torch.tensor(sorted(kept))
