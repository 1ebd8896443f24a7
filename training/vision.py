"""The CLIP-shaped encoder: patch convolution, class token, pre-LayerNorm blocks. Trained here, exported by export.py.

Dimension letters: B pictures, T tokens (class token first), P patches, C width, H heads, D head width.
Two liberties that the export undoes exactly: q, k and v are one matrix, and quick_gelu(x) = x sigmoid(1.702 x) is run as
SiLU with the factor folded into the matrices around it (one fused operation in place of three).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vmtc import Budget, compress

SIDE, PATCH, WIDTH, HEADS, BLOCKS, MLP = 112, 14, 128, 4, 7, 512
GRID = SIDE // PATCH
RUN_BLOCKS = BLOCKS - 1  # vision_feature_layer -2: the last block is never run for the decoder
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def normalise(pixels: Tensor) -> Tensor:
    """uint8 [B, 3, S, S] to what the engine feeds the encoder: x/255, minus mean, over std."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (pixels.float() / 255 - mean) / std


def sincos_table() -> Tensor:
    """2-D sine-cosine positions [1 + P, C]; half of the channels follow the column, half the row; the class token gets zeros."""
    quarter = WIDTH // 4
    rate = 0.02 ** (torch.arange(quarter) / (quarter - 1)) * 2.0
    angle = torch.arange(GRID).float()[:, None] * rate
    line = torch.cat([angle.sin(), angle.cos()], 1)
    columns = line[None, :, :].expand(GRID, GRID, -1)
    rows = line[:, None, :].expand(GRID, GRID, -1)
    return torch.cat([torch.zeros(1, WIDTH), torch.cat([columns, rows], 2).reshape(-1, WIDTH)])


class Block(nn.Module):
    """LayerNorm, attention, residual, [compression], LayerNorm, MLP, residual."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc1, self.fc2 = nn.Linear(WIDTH, MLP), nn.Linear(MLP, WIDTH)

    def attend(self, x: Tensor, queries: int | None = None) -> tuple[Tensor, Tensor]:
        """x [B, T, C] -> residual stream after attention, weights [B, H, Q, T]. `queries`: only the first so many rows."""
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        if queries is not None:
            q, x = q[:, :, :queries], x[:, :queries]
        weights = (q * q.shape[-1] ** -0.5 @ k.transpose(2, 3)).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(x.shape)
        return x + self.out(mixed), weights

    def mlp(self, x: Tensor) -> Tensor:
        return x + self.fc2(F.silu(self.fc1(self.norm2(x))))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Linear(3 * PATCH * PATCH, WIDTH, bias=False)  # the convolution as a matrix
        self.class_token = nn.Parameter(torch.randn(WIDTH) * 0.5)
        nn.init.normal_(self.patch.weight, std=0.02)
        # Patch embeddings of drawn scenes start with a spread of 0.49, this table with 0.41: neither drowns the other.
        self.position = nn.Parameter(sincos_table() * 0.7)
        self.pre_norm = nn.LayerNorm(WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.post_norm = nn.LayerNorm(WIDTH)
        for block in self.blocks:
            nn.init.zeros_(block.out.weight)
            nn.init.zeros_(block.fc2.weight)

    def embed(self, pixels: Tensor, only: Tensor | None = None) -> Tensor:
        """uint8 [B, 3, S, S] -> [B, 1 + P, C] after the first LayerNorm; `only` [B, N]: of these patches alone."""
        b = pixels.shape[0]
        position = self.position.expand(b, -1, -1)
        cells = normalise(pixels).view(b, 3, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 1, 3, 5).reshape(b, GRID * GRID, -1)
        if only is not None:
            cells = cells.gather(1, only[..., None].expand(-1, -1, cells.shape[2]))
            position = torch.cat([position[:, :1], position[:, 1:].gather(1, only[..., None].expand(-1, -1, WIDTH))], 1)
        return self.pre_norm(torch.cat([self.class_token.expand(b, 1, -1), self.patch(cells)], 1) + position)

    def forward(self, pixels: Tensor, budget: Budget | None = None, only: Tensor | None = None) -> Tensor:
        """Hidden state of layer -2, [B, 1 + N, C]: N = P, what the budget leaves, or the patches in `only` [B, N]."""
        x = self.embed(pixels, only)
        for index, block in enumerate(self.blocks[:RUN_BLOCKS]):
            x, weights = block.attend(x)
            if budget is not None and index in budget.tokens_at:
                x = compress(x, weights, budget.tokens_at[index], budget)
            x = block.mlp(x)
        return x

    def class_state(self, hidden: Tensor) -> Tensor:
        """The last block for the class token alone, then the final LayerNorm: [B, C]. Only the encoder's own heads read it."""
        x, _ = self.blocks[-1].attend(hidden, queries=1)
        return self.post_norm(self.blocks[-1].mlp(x)[:, 0])
