"""One frozen layer for training: forward and the gradient for its input rows alone, written by hand.

Autograd took 3.4 s of processor time for 4 pictures: it fills and adds whole tensors for slices, keeps what frozen weights never
need, and the backward of PyTorch's attention kernel took 29 ms a layer where three products and a softmax again take 10.
Letters as in language.py; N = B T rows.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 96  # rows whose keys end together; keys after a block's last row are never read


class Unit(torch.autograd.Function):
    """RMSNorm without a weight, x [..., C] to `dtype`."""

    @staticmethod
    def forward(ctx, x: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        scale = unit_scale(x, eps)
        ctx.save_for_backward(x, scale)
        return (x * scale).to(dtype)

    @staticmethod
    def backward(ctx, given: Tensor) -> tuple[Tensor, None, None]:
        x, scale = ctx.saved_tensors
        return unit_backward(given.to(x.dtype), x, scale, torch.zeros_like(x)), None, None


def unit_scale(x: Tensor, eps: float) -> Tensor:
    """1 / root mean square of the rows, [..., 1]."""
    square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).float().square_()
    return square.div_(x.shape[-1]).add_(eps).rsqrt_().to(x.dtype)


def unit_backward(given: Tensor, x: Tensor, scale: Tensor, rest: Tensor) -> Tensor:
    """Gradient for x of x scale, added to `rest`."""
    along = (given * x).sum(-1, keepdim=True) * scale**3 / -x.shape[-1]
    return torch.addcmul(rest, given, scale).addcmul_(x, along)


def block_masks(mask: Tensor, groups: int, past: int) -> list[Tensor]:
    """Additive mask [B or 1, 1, T, K] -> per block of rows, the last first, [B or 1, 1, groups n, its keys]."""
    ends = range(mask.shape[2], 0, -BLOCK)
    return [mask[:, :, max(0, end - BLOCK) : end, : past + end].repeat(1, 1, groups, 1) for end in ends]


def rotate(x: Tensor, cos: Tensor, sin: Tensor, out: Tensor) -> Tensor:
    """x [..., D] turned by angles whose cosine and sine cover half of D, into `out`."""
    half = x.shape[-1] // 2
    torch.mul(x[..., :half], cos, out=out[..., :half]).addcmul_(x[..., half:], sin, value=-1)
    torch.mul(x[..., half:], cos, out=out[..., half:]).addcmul_(x[..., :half], sin)
    return out


class FrozenLayer(torch.autograd.Function):
    """x [N, C] -> [N, C]. `layer`: matrices with the norms' weights and the queries' 1 / sqrt D folded in. `before`: keys and values of
    a prefix [1, G, P, D]; turn: cosine and sine [B, T, 1, D / 2]; masks: of block_masks."""

    @staticmethod
    def forward(ctx, x: Tensor, layer, before: tuple[Tensor, Tensor], turn: tuple[Tensor, Tensor], masks: list[Tensor], eps: float) -> Tensor:
        b, t = turn[0].shape[:2]
        _, keys, past, width = before[0].shape
        scale1 = unit_scale(x, eps)
        fused = F.linear(x * scale1, layer.qkv).view(b, t, -1, width)
        both = fused.shape[2] - keys
        heads = both - keys
        turned = rotate(fused[:, :, :both], *turn, out=fused.new_empty(b, t, both, width))
        k = torch.cat([before[0].expand(b, -1, -1, -1), turned[:, :, heads:].transpose(1, 2)], 2)
        v = torch.cat([before[1].expand(b, -1, -1, -1), fused[:, :, both:].transpose(1, 2)], 2)
        mixed, blocks = fused.new_empty(b, t, heads, width), []
        for mask, end in zip(masks, range(t, 0, -BLOCK)):
            start = max(0, end - BLOCK)
            rows = turned[:, start:end, :heads].transpose(1, 2).reshape(b, keys, -1, width)
            out = F.scaled_dot_product_attention(rows, k[:, :, : past + end], v[:, :, : past + end], attn_mask=mask, scale=1.0)
            mixed[:, start:end] = out.view(b, heads, end - start, width).transpose(1, 2)
            blocks += [rows, out]
        middle = torch.addmm(x, mixed.view(b * t, -1), layer.out.t())
        scale2 = unit_scale(middle, eps)
        gate_up = F.linear(middle * scale2, layer.gate_up)
        gate, up = gate_up.chunk(2, 1)
        ctx.save_for_backward(x, scale1, k, v, middle, scale2, gate_up, *blocks)
        ctx.layer, ctx.turn, ctx.masks, ctx.shape = layer, turn, masks, (b, t, heads, keys, past, width)
        return torch.addmm(middle, F.silu(gate).mul_(up), layer.down.t())

    @staticmethod
    def backward(ctx, given: Tensor) -> tuple:
        x, scale1, k, v, middle, scale2, gate_up, *blocks = ctx.saved_tensors
        layer, (b, t, heads, keys, past, width) = ctx.layer, ctx.shape
        gate, up = gate_up.chunk(2, 1)
        inner = given @ layer.down
        grad = torch.empty_like(gate_up)
        grad_gate, grad_up = grad.chunk(2, 1)
        torch.mul(inner, F.silu(gate), out=grad_up)
        torch.ops.aten.silu_backward.grad_input(inner.mul_(up), gate, grad_input=grad_gate)
        rest = unit_backward(grad @ layer.gate_up, middle, scale2, given)
        given = (rest @ layer.out).view(b, t, heads, width)
        turned = given.new_empty(b, t, heads + keys, width)
        grad_k = grad_v = None
        for index, end in enumerate(range(t, 0, -BLOCK)):
            start, mask, rows, out = max(0, end - BLOCK), ctx.masks[index], blocks[2 * index], blocks[2 * index + 1]
            k_seen, v_seen = k[:, :, : past + end], v[:, :, : past + end]
            wanted = given[:, start:end].transpose(1, 2).reshape(b, keys, -1, width)
            weights = (rows @ k_seen.transpose(2, 3)).add_(mask).softmax(-1)
            scores = (wanted @ v_seen.transpose(2, 3)).sub_((wanted * out).sum(-1, keepdim=True)).mul_(weights)
            turned[:, start:end, :heads] = (scores @ k_seen).view(b, heads, end - start, width).transpose(1, 2)
            new_k, new_v = scores[..., past:].transpose(2, 3) @ rows, weights[..., past:].transpose(2, 3) @ wanted
            if grad_k is None:  # the last block comes first and sees all keys
                grad_k, grad_v = new_k, new_v
            else:
                grad_k[:, :, :end] += new_k
                grad_v[:, :, :end] += new_v
        turned[:, :, heads:] = grad_k.transpose(1, 2)
        fused = given.new_empty(b, t, heads + 2 * keys, width)
        cos, sin = ctx.turn
        rotate(turned, cos, -sin, out=fused[:, :, : heads + keys])
        fused[:, :, heads + keys :] = grad_v.transpose(1, 2)
        return unit_backward(fused.view(b * t, -1) @ layer.qkv, x, scale1, rest), None, None, None, None, None
