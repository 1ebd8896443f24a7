"""Muon for the block matrices, AdamW for everything else, a trapezoid schedule by samples. Knows no model.

Muon (Keller Jordan, 2024) replaces a matrix's momentum by its nearest orthogonal matrix, by Newton-Schulz steps. Here it
learned about twice as much per sample as AdamW. A fused q/k/v matrix is split in three first.
"""

import torch
from torch import Tensor

import parallel


def orthogonalise(m: Tensor) -> Tensor:
    """Five Newton-Schulz steps towards U V^T of a matrix [rows, columns]."""
    tall = m.shape[0] > m.shape[1]
    x = m.t() if tall else m
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.t()
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.t() if tall else x


class Muon(torch.optim.Optimizer):
    """params: 2-D weights. A parameter with attribute `parts` is treated as that many matrices stacked along the rows."""

    def __init__(self, params, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """Every worker keeps all momenta, orthogonalises its own share of the matrices and takes the others' results."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            owner = parallel.owners(params)
            for p, at in zip(params, owner):
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                if at != parallel.rank():
                    continue
                direction = p.grad.lerp(buffer, group["momentum"])
                p.mul_(1 - group["lr"] * group["weight_decay"])
                for weight, part in zip(p.chunk(getattr(p, "parts", 1)), direction.chunk(getattr(p, "parts", 1))):
                    scale = max(1.0, part.shape[0] / part.shape[1]) ** 0.5
                    weight.add_(orthogonalise(part), alpha=-group["lr"] * scale)
            parallel.spread(params, owner)


class Optimisers:
    """Both optimisers of a list of modules, their schedule and their state."""

    def __init__(self, matrices: list[Tensor], others: list[Tensor], muon_lr: float = 0.02, adam_lr: float = 1e-3) -> None:
        decay = [p for p in others if p.ndim > 1]
        plain = [p for p in others if p.ndim <= 1]
        self.muon = Muon(matrices, lr=muon_lr)
        self.adam = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
                                      lr=adam_lr, betas=(0.9, 0.98))
        self.base = [[g["lr"] for g in o.param_groups] for o in (self.muon, self.adam)]
        self.params = matrices + others

    def step(self, factor: float, clip: float = 1.0) -> float:
        """One update by all workers' mean gradient at `factor` of the base rates; returns its norm before clipping."""
        parallel.average_gradients(self.params)
        norm = float(torch.nn.utils.clip_grad_norm_(self.params, clip))
        for optimiser, rates in zip((self.muon, self.adam), self.base):
            for group, rate in zip(optimiser.param_groups, rates):
                group["lr"] = rate * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> dict:
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])


def trapezoid(done: int, total: int, warmup: int, decay: float = 0.6) -> float:
    """Factor of the learning rate after `done` of `total` samples: rises, stays, falls over the last share to 2 %."""
    rise = min(1.0, (done + 1) / warmup)
    fall = min(1.0, (total - done) / (decay * total))
    return max(0.02, min(rise, fall))
