"""The part that is trained: features of a patch -> an input row of the language model. Also the frozen encoder before it.

Training works on a projector of unit scale; the file holds LLaVA's two layers with all scales folded in.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from evaluate import read_safetensors  # noqa: E402
from export import from_hugging_face  # noqa: E402
from vision import GRID, WIDTH, Encoder  # noqa: E402

PATCHES = GRID**2
SHIPPED = HERE.parent.parent / "public/fovea-demo/model.safetensors"


def frozen_encoder() -> Encoder:
    """The shipped encoder."""
    encoder = Encoder()
    encoder.load_state_dict(from_hugging_face(read_safetensors(SHIPPED))[0])
    return encoder.requires_grad_(False)


class Projector(nn.Module):
    """tokens = scale linear2(gelu(linear1((features - mean) / std)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(WIDTH, width), nn.Linear(width, width)
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("std", torch.ones(WIDTH))
        self.register_buffer("scale", torch.ones(()))

    def calibrate(self, features: Tensor, table: Tensor) -> None:
        """Starts with an input of unit spread and an output like an embedding of the language model."""
        rows = features.flatten(0, 1)
        with torch.no_grad():
            self.mean.copy_(rows.mean(0))
            self.std.copy_(rows.std(0).clamp_min(1e-3))
            self.scale.copy_(table.float().std())
            self.linear1.weight.normal_(0, 1.2 / WIDTH**0.5)
            self.linear2.weight.normal_(0, 1.2 / self.linear2.in_features**0.5)
            self.linear1.bias.zero_()
            self.linear2.bias.zero_()

    def forward(self, features: Tensor) -> Tensor:
        return self.scale * self.linear2(F.gelu(self.linear1((features - self.mean) / self.std)))

    def folded(self) -> dict[str, Tensor]:
        """LLaVA's names and values."""
        first = self.linear1.weight / self.std
        return {"multi_modal_projector.linear_1.weight": first, "multi_modal_projector.linear_1.bias": self.linear1.bias - first @ self.mean,
                "multi_modal_projector.linear_2.weight": self.scale * self.linear2.weight, "multi_modal_projector.linear_2.bias": self.scale * self.linear2.bias}

    def unfold(self, tensors: dict[str, Tensor]) -> None:
        """The inverse; the scales must be set."""
        with torch.no_grad():
            first = tensors["multi_modal_projector.linear_1.weight"]
            self.linear1.weight.copy_(first * self.std)
            self.linear1.bias.copy_(tensors["multi_modal_projector.linear_1.bias"] + first @ self.mean)
            self.linear2.weight.copy_(tensors["multi_modal_projector.linear_2.weight"] / self.scale)
            self.linear2.bias.copy_(tensors["multi_modal_projector.linear_2.bias"] / self.scale)


def project(tensors: dict[str, Tensor], features: Tensor) -> Tensor:
    """Tokens by the folded values, as any reader of the file computes them."""
    t = tensors
    first = F.linear(features, t["multi_modal_projector.linear_1.weight"], t["multi_modal_projector.linear_1.bias"])
    return F.linear(F.gelu(first), t["multi_modal_projector.linear_2.weight"], t["multi_modal_projector.linear_2.bias"])
