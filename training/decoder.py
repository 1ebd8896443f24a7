"""The Llama-shaped decoder and the projector before it, with cross-modality attention inhibition. No training loop here.

Text is packed: one picture is followed by several chunks of L tokens, each holding several conversations. A text row sees the
prefix and the picture's tokens, and the earlier rows of its own conversation; positions restart after the picture for each.
So the rows of the picture are run once, for their keys and values, and a chunk's scores are L x (I + L) instead of all pairs.

Dimension letters: B pictures, I prefix and image rows, J chunks, L rows of a chunk, S = J L text rows, N image tokens, C width,
H heads, D head width, V pieces. Liberties that the export undoes exactly: fused matrices; one embedding E that serves as
embed_tokens = SCALE E and lm_head = E; and rotary pairs that stand side by side in a head, so that the rotation is one complex
product, where Llama's layout has them half a head apart.
"""

from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import vision

WIDTH, HEADS, LAYERS, MLP, SCALE, EPS, THETA = 192, 6, 4, 512, 16.0, 1e-5, 10000.0
HEAD = WIDTH // HEADS


class _RootMeanSquare(torch.autograd.Function):
    """x / rms(x) * weight with few passes over memory: the plain form costs twice as many."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        inverse = (x.square().mean(-1, keepdim=True) + EPS).rsqrt_()
        unit = x * inverse
        ctx.save_for_backward(unit, inverse, weight)
        return unit * weight

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:
        unit, inverse, weight = ctx.saved_tensors
        product = grad * unit
        towards = (product * weight).mean(-1, keepdim=True)
        return (grad * weight).addcmul_(unit, towards, value=-1).mul_(inverse), product.flatten(0, -2).sum(0)


class Norm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return _RootMeanSquare.apply(x, self.weight)


def rotation(positions: Tensor) -> Tensor:
    """Unit complex numbers [..., D/2] of integer positions."""
    rate = THETA ** (-torch.arange(0, HEAD, 2).float() / HEAD)
    angle = positions[..., None].float() * rate
    return torch.polar(torch.ones_like(angle), angle)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """x [B, T, 2, H, D] (queries and keys), turn [B or 1, T, 1, 1, D/2]."""
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn).flatten(-2)


def inhibition_counts(tokens: int, max_ratio: float) -> list[int]:
    """How many pairs of a text row go in each layer, for distinct scores: the linear schedule, snapped as the rules say."""
    counts = []
    for layer in range(LAYERS):
        rank = max_ratio * layer / (LAYERS - 1) * (tokens - 1)
        counts.append(round(rank) if abs(rank - round(rank)) < 1e-9 else ceil(rank))
    return counts


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(), Norm()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate_up = nn.Linear(WIDTH, 2 * MLP, bias=False)
        self.down = nn.Linear(MLP, WIDTH, bias=False)
        for matrix in (self.out, self.down):
            nn.init.zeros_(matrix.weight)

    def project(self, x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, T, C] -> rotated q, rotated k, v, each [B, H, T, D]."""
        fused = self.qkv(self.norm1(x)).view(*x.shape[:2], 3, HEADS, HEAD)
        turning, v = fused.split([2, 1], 2)
        q, k = rotate(turning, turn[..., None, None, :]).permute(2, 0, 3, 1, 4)
        return q, k, v[:, :, 0].transpose(1, 2)

    def mlp(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)

    def image(self, x: Tensor, turn: Tensor, mask: Tensor, last: bool) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Rows of prefix and picture [B, I, C], causal; the last layer is run for its keys and values only."""
        q, k, v = self.project(x, turn)
        if last:
            return x, (k, v)
        weights = (q * HEAD**-0.5 @ k.transpose(2, 3) + mask).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(x.shape))
        return self.mlp(x), (k, v)

    def text(self, x: Tensor, seen: tuple[Tensor, Tensor], turn: Tensor, mask: Tensor, prefix: int, inhibited: int,
             rows: Tensor | None = None) -> Tensor:
        """Text rows [B, S, C] over a picture's keys and values. mask [B, J, L, L] additive; `inhibited` pairs go per row.
        `rows`: flat indices of the rows to finish; the result is then [rows, C]."""
        b, s, _ = x.shape
        j, l = mask.shape[1], mask.shape[2]
        q, k, v = self.project(x, turn)
        q = q * HEAD**-0.5
        image_keys, image_values = seen
        i = image_keys.shape[2]
        cut = (b, HEADS, j, l, HEAD)
        own = (q.reshape(cut) @ k.reshape(cut).transpose(3, 4) + mask[:, None]).view(b, HEADS, s, l)
        weights = torch.cat([q @ image_keys.transpose(2, 3), own], 3).softmax(-1)
        if inhibited > 0:
            weights = weights * _inhibit(weights.detach(), i, prefix, j, inhibited)[:, None]
            weights = weights / weights.sum(3, keepdim=True).clamp_min(1e-20)
        to_image, to_text = weights.split([i, l], 3)  # a split's gradient is one concatenation, a slice's a zeroed copy
        mixed = to_image @ image_values + (to_text.reshape(b, HEADS, j, l, l) @ v.reshape(cut)).view(b, HEADS, s, HEAD)
        mixed = mixed.transpose(1, 2).reshape(x.shape)
        if rows is not None:
            x, mixed = x.reshape(b * s, -1)[rows], mixed.reshape(b * s, -1)[rows]
        return self.mlp(x + self.out(mixed))


def _inhibit(weights: Tensor, image_end: int, prefix: int, chunks: int, count: int) -> Tensor:
    """1 where a pair stays, 0 where it is inhibited, [B, S, I + L]: focus scores F below their (count)-th of the row."""
    mean = weights.mean(1)
    b, s, _ = mean.shape
    l = s // chunks
    to_image = mean[..., prefix:image_end]
    earlier = mean[..., image_end:].reshape(b, chunks, l, l).tril(-1)  # strict: the self pair is excluded
    focus = to_image + (earlier @ to_image.reshape(b, chunks, l, -1)).view_as(to_image)
    threshold = focus.sort(-1).values[..., count : count + 1]
    keep = torch.ones_like(mean)
    keep[..., prefix:image_end] = (focus >= threshold).to(mean.dtype)
    return keep


class Decoder(nn.Module):
    """Projector, embedding, layers, final norm."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(vision.WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.embedding = nn.Parameter(torch.randn(pieces, WIDTH) / SCALE)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm()

    def project(self, features: Tensor) -> Tensor:
        """Encoder tokens [B, N, Cv] -> image tokens [B, N, C]."""
        return self.linear2(F.gelu(self.linear1(features)))

    def read_image(self, prefix: list[int], tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Prefix ids and image tokens [B, N, C] -> keys and values of every layer."""
        b = tokens.shape[0]
        start = SCALE * self.embedding[torch.tensor(prefix)]
        x = torch.cat([start.expand(b, -1, -1), tokens], 1)
        count = x.shape[1]
        mask = torch.full((count, count), -1e9).triu(1)
        turn, kept = rotation(torch.arange(count)[None]), []
        for layer in self.layers:
            x, pair = layer.image(x, turn, mask, layer is self.layers[-1])
            kept.append(pair)
        return kept

    def read_text(self, ids: Tensor, positions: Tensor, mask: Tensor, kept: list[tuple[Tensor, Tensor]], prefix: int,
                  max_ratio: float, rows: Tensor) -> Tensor:
        """ids, positions [B, S] (positions counted from the picture's end), mask [B, J, L, L] -> logits [rows, V]."""
        end = kept[0][0].shape[2]
        x = F.embedding(ids, self.embedding) * SCALE
        turn = rotation(positions + end)
        counts = inhibition_counts(end - prefix, max_ratio)
        for layer, seen, count in zip(self.layers, kept, counts):
            x = layer.text(x, seen, turn, mask, prefix, count, rows if layer is self.layers[-1] else None)
        return self.norm(x) @ self.embedding.t()
