"""Visual-modality token compression in PyTorch, batched: every picture of a batch gets the same number of tokens.

The engine's own implementation is the reference for exact results; this one follows the same page of rules (importance from
the class token's row, top-k in ascending order, spherical K-Means, importance-weighted means), with gradients through the
gathered tokens and the importance weights, none through the choice and the labels.
"""

from dataclasses import dataclass, field
from math import floor

import torch
from torch import Tensor


@dataclass
class Budget:
    """How many patch tokens remain after which block. `clusters` None: 15.6 % of them, 0: drop, 1: fuse."""

    tokens_at: dict[int, int] = field(default_factory=dict)
    clusters: int | None = None

    @staticmethod
    def of(tokens: int, patches: int, layers: int, run_blocks: int, stages: int = 3, clusters: int | None = None) -> "Budget | None":
        """The constant-ratio schedule; None where nothing is to be removed."""
        if tokens >= patches:
            return None
        blocks = [i * layers // (stages + 1) for i in range(1, stages + 1)]
        if max(blocks) >= run_blocks:
            raise ValueError(f"block {max(blocks)} is never run, only the first {run_blocks} are")
        counts = [floor(patches * (tokens / patches) ** (i / stages) + 0.5) for i in range(1, stages)] + [tokens]
        return Budget(dict(zip(blocks, counts)), clusters)


def compress(x: Tensor, weights: Tensor, target: int, budget: Budget) -> Tensor:
    """x [B, 1 + N, C], weights [B, H, 1 + N, 1 + N] -> [B, 1 + target, C]."""
    patches = x[:, 1:]
    n = patches.shape[1]
    if target >= n:
        return x
    clusters = floor(0.156 * target + 0.5) if budget.clusters is None else budget.clusters
    clusters = min(target, max(1, clusters) if budget.clusters is None else clusters)
    importance = weights[:, :, 0, 1:].mean(1)
    order = importance.detach().sort(dim=1, descending=True, stable=True).indices
    primary = order[:, : target - clusters].sort(1).values
    redundant = order[:, target - clusters :].sort(1).values
    kept = _gather(patches, primary)
    if clusters == 0:
        return torch.cat([x[:, :1], kept], 1)
    rest, share = _gather(patches, redundant), importance.gather(1, redundant)
    with torch.no_grad():
        member = torch.nn.functional.one_hot(kmeans(rest, clusters), clusters).to(x.dtype).transpose(1, 2)  # [B, c, R]
    mass = member * share[:, None]
    total = mass.sum(2, keepdim=True)
    plain = member / member.sum(2, keepdim=True)
    merged = torch.where(total < 1e-12, plain, mass / total.clamp_min(1e-12)) @ rest
    return torch.cat([x[:, :1], kept, merged], 1)


def _gather(x: Tensor, index: Tensor) -> Tensor:
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[2]))


def kmeans(x: Tensor, clusters: int, rounds: int = 10) -> Tensor:
    """Spherical K-Means, labels [B, R] numbered by smallest member. Ties within 1e-6 go to the lowest index."""
    b, r, _ = x.shape
    clusters = min(clusters, r)
    length = x.norm(dim=2, keepdim=True)
    unit = torch.where(length > 0, x / length.clamp_min(1e-30), torch.zeros_like(x))
    centres = unit[:, torch.arange(clusters) * (r // clusters)]
    labels = torch.full((b, r), -1, dtype=torch.long)
    for _ in range(rounds):
        cosine = unit @ centres.transpose(1, 2)  # [B, R, c]
        new = (cosine >= cosine.max(2, keepdim=True).values - 1e-6).int().argmax(2)
        _fill_empty(new, cosine, clusters)
        if torch.equal(new, labels):
            break
        labels = new
        sums = torch.nn.functional.one_hot(labels, clusters).to(x.dtype).transpose(1, 2) @ unit
        size = sums.norm(dim=2, keepdim=True)
        centres = torch.where(size < 1e-6, torch.zeros_like(sums), sums / size.clamp_min(1e-6))
    one_hot = torch.nn.functional.one_hot(labels, clusters)
    first = torch.where(one_hot.any(1), one_hot.argmax(1), torch.full((b, clusters), r))  # smallest member of each cluster
    return first.argsort(1).argsort(1).gather(1, labels)


def _fill_empty(labels: Tensor, cosine: Tensor, clusters: int) -> None:
    """Each empty cluster takes, in ascending order, the row of lowest cosine among clusters of two or more. In place."""
    counts = torch.nn.functional.one_hot(labels, clusters).sum(1)
    for b, c in (counts == 0).nonzero().tolist():
        size = counts[b][labels[b]]
        own = cosine[b].gather(1, labels[b][:, None])[:, 0].masked_fill(size < 2, torch.inf)
        row = int((own <= own.min() + 1e-6).int().argmax())
        counts[b, labels[b, row]] -= 1
        labels[b, row] = c
        counts[b, c] = 1
