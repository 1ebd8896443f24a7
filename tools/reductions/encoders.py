"""Vision encoders of the golden families, in float64 from their description."""

import math

import torch
from safetensors.torch import load_file
from torch.nn.functional import conv2d, gelu, layer_norm, linear, silu

from vmtc import compress

F64 = torch.float64


class Tensors:
    """Tensors of a checkpoint in float64, by the end of their name."""

    def __init__(self, folder):
        self.all = {}
        for file in sorted(folder.glob("*.safetensors")):
            self.all |= {name: t.to(F64) for name, t in load_file(file).items()}

    def get(self, ending, optional=False):
        found = [name for name in self.all if name == ending or name.endswith("." + ending)]
        if optional and not found:
            return None
        assert len(found) == 1, (ending, found)
        return self.all[found[0]]

    def dense(self, x, ending):
        return linear(x, self.get(f"{ending}.weight"), self.get(f"{ending}.bias", optional=True))


def heads_of(x, heads):
    return x.reshape(len(x), heads, -1).transpose(0, 1)


def attend(q, k, v, heads, rotate=None):
    """-> [T, D], weights [H, T, T]"""
    q, k, v = (heads_of(x, heads) for x in (q, k, v))
    if rotate:
        q, k = rotate(q), rotate(k)
    weights = (q @ k.transpose(1, 2) / math.sqrt(q.shape[2])).softmax(-1)
    return (weights @ v).transpose(0, 1).flatten(1), weights


def rotary(angles):
    """angles [T, d/2]; dimensions i and i + d/2 turn together"""
    cos, sin = (torch.cat([f(angles), f(angles)], 1) for f in (torch.cos, torch.sin))

    def rotate(x):
        a, b = x.chunk(2, 2)
        return x * cos + torch.cat([-b, a], 2) * sin

    return rotate


def rms_norm(x, weight, eps):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def gelu_tanh(x):
    return gelu(x, approximate="tanh")


class Encoder:
    """What the blocks of all encoders share: cells, stages, owners. Families say how rows enter and what a block is."""

    cell, has_class, post_norm = 1, False, None

    def __init__(self, t, vision):
        self.t, self.vision = t, vision
        self.layers = vision.get("num_hidden_layers", vision.get("depth"))
        self.run = self.layers

    def cells_of(self, raster, rows, cols):
        r = self.cell
        grid = raster.reshape(rows // r, r, cols // r, r, -1)
        return grid.transpose(1, 2).reshape(rows * cols // r**2, r * r, -1)

    def encode(self, pixels, rows, cols, stages):
        """stages [(block, out, clusters)] -> features [M, s, D], owners [M], records"""
        raster = self.embed(pixels, rows, cols)
        head = raster[:1] if self.has_class else raster[:0]
        z = self.cells_of(raster[len(head) :], rows, cols)
        places = torch.tensor([[i, j] for i in range(rows) for j in range(cols)])
        places = self.cells_of(places, rows, cols)
        owners, records = list(range(len(z))), []
        for block in range(self.run):
            x = torch.cat([head, z.flatten(0, 1)])
            x, weights = self.attention(x, block, places.flatten(0, 1))
            head, z = x[: len(head)], x[len(head) :].reshape(z.shape)
            for _, out, clusters in (stage for stage in stages if stage[0] == block):
                scores = weights[:, 0, 1:].mean(0) if self.has_class else weights.mean((0, 1))
                importance = scores.reshape(len(z), -1).sum(1)
                z, primary, labels, counts_as = compress(z, importance, out, clusters)
                places, owners = places[counts_as], [owners[i] for i in counts_as]
                records.append({"block": block, "primary": primary, "labels": labels})
            x = torch.cat([head, z.flatten(0, 1)])
            x = x + self.mlp(x, block)
            head, z = x[: len(head)], x[len(head) :].reshape(z.shape)
        self.head = head
        return (self.post_norm(z) if self.post_norm else z), owners, records


class ClipEncoder(Encoder):
    """CLIP and SigLIP: learned positions, LayerNorms, biases everywhere."""

    def __init__(self, t, vision, run=0, post=False):
        super().__init__(t, vision)
        self.has_class = vision["model_type"].startswith("clip")
        self.run += run
        self.act = quick_gelu if self.has_class else gelu_tanh
        self.eps = 1e-5 if self.has_class else 1e-6
        if post:
            self.post_norm = lambda z: self.norm(z, "post_layernorm")

    def norm(self, x, name):
        return layer_norm(x, x.shape[-1:], self.t.get(f"{name}.weight"), self.t.get(f"{name}.bias"), self.eps)

    def embed(self, pixels, rows, cols):
        kernel, bias = self.t.get("patch_embedding.weight"), self.t.get("patch_embedding.bias", optional=True)
        x = conv2d(pixels[None], kernel, bias, stride=kernel.shape[-1])[0].flatten(1).T
        if self.has_class:
            x = torch.cat([self.t.get("class_embedding").reshape(1, -1), x])
        x = x + self.t.get("position_embedding.weight")
        return self.norm(x, "pre_layrnorm") if self.has_class else x

    def attention(self, x, block, places):
        name = f"encoder.layers.{block}"
        y = self.norm(x, f"{name}.layer_norm1")
        q, k, v = (self.t.dense(y, f"{name}.self_attn.{p}_proj") for p in "qkv")
        out, weights = attend(q, k, v, self.vision["num_attention_heads"])
        return x + self.t.dense(out, f"{name}.self_attn.out_proj"), weights

    def mlp(self, x, block):
        name = f"encoder.layers.{block}"
        y = self.act(self.t.dense(self.norm(x, f"{name}.layer_norm2"), f"{name}.mlp.fc1"))
        return self.t.dense(y, f"{name}.mlp.fc2")


class NaflexEncoder(ClipEncoder):
    """SigLIP 2 for pictures of any shape, as LFM2-VL has it."""

    cell = 2

    def embed(self, pixels, rows, cols):
        x = linear(pixels[: rows * cols], self.t.get("patch_embedding.weight").flatten(1), self.t.get("patch_embedding.bias"))
        table = self.t.get("position_embedding.weight")
        side = math.isqrt(len(table))
        table = table.reshape(side, side, -1)
        down, across = (triangle(side, n) for n in (rows, cols))
        return x + torch.einsum("is,jt,std->ijd", down, across, table).flatten(0, 1)


def triangle(source, out):
    """Bilinear with antialias, half-pixel centres: [out, source]"""
    s = source / out
    weights = torch.tensor([[max(0.0, 1 - abs(j - ((i + 0.5) * s - 0.5)) / max(s, 1)) for j in range(source)] for i in range(out)], dtype=F64)
    return weights / weights.sum(1, keepdim=True)


class PixtralEncoder(Encoder):
    cell = 2

    def embed(self, pixels, rows, cols):
        kernel = self.t.get("patch_conv.weight")
        side = kernel.shape[-1]
        x = conv2d(pixels[None, :, : rows * side, : cols * side], kernel, stride=side)[0].flatten(1).T
        return rms_norm(x, self.t.get("ln_pre.weight"), 1e-5)

    def attention(self, x, block, places):
        name = f"transformer.layers.{block}"
        y = rms_norm(x, self.t.get(f"{name}.attention_norm.weight"), 1e-5)
        width = self.vision["head_dim"]
        inverse = self.vision["rope_theta"] ** (-2 * torch.arange(width // 2, dtype=F64) / width)
        angles = torch.cat([places[:, :1] * inverse[0::2], places[:, 1:] * inverse[1::2]], 1)
        q, k, v = (self.t.dense(y, f"{name}.attention.{p}_proj") for p in "qkv")
        out, weights = attend(q, k, v, self.vision["num_attention_heads"], rotary(angles))
        return x + self.t.dense(out, f"{name}.attention.o_proj"), weights

    def mlp(self, x, block):
        name = f"transformer.layers.{block}"
        y = rms_norm(x, self.t.get(f"{name}.ffn_norm.weight"), 1e-5)
        gate, up = (self.t.dense(y, f"{name}.feed_forward.{p}_proj") for p in ("gate", "up"))
        return self.t.dense(silu(gate) * up, f"{name}.feed_forward.down_proj")


class QwenEncoder(Encoder):
    """Of Qwen3.5. Its patches come in the order of cells."""

    cell = 2

    def norm(self, x, name):
        return layer_norm(x, x.shape[-1:], self.t.get(f"{name}.weight"), self.t.get(f"{name}.bias"), 1e-6)

    def embed(self, pixels, rows, cols):
        x = linear(pixels, self.t.get("patch_embed.proj.weight").flatten(1), self.t.get("patch_embed.proj.bias"))
        r = self.cell
        x = x.reshape(rows // r, cols // r, r, r, -1).transpose(1, 2).reshape(rows * cols, -1)
        table = self.t.get("visual.pos_embed.weight")
        side = math.isqrt(len(table))
        table = table.reshape(side, side, -1)
        down, across = (between_corners(side, n) for n in (rows, cols))
        return x + torch.einsum("is,jt,std->ijd", down, across, table).flatten(0, 1)

    def attention(self, x, block, places):
        name = f"visual.blocks.{block}"
        heads = self.vision["num_heads"]
        width = x.shape[1] // heads
        inverse = 10000 ** (-torch.arange(width // 4, dtype=F64) / (width // 4))
        angles = torch.cat([places[:, :1] * inverse, places[:, 1:] * inverse], 1)
        q, k, v = self.t.dense(self.norm(x, f"{name}.norm1"), f"{name}.attn.qkv").chunk(3, 1)
        out, weights = attend(q, k, v, heads, rotary(angles))
        return x + self.t.dense(out, f"{name}.attn.proj"), weights

    def mlp(self, x, block):
        name = f"visual.blocks.{block}"
        y = gelu_tanh(self.t.dense(self.norm(x, f"{name}.norm2"), f"{name}.mlp.linear_fc1"))
        return self.t.dense(y, f"{name}.mlp.linear_fc2")


def between_corners(source, out):
    """Bilinear with the corners aligned: [out, source]"""
    weights = torch.zeros(out, source, dtype=F64)
    for i in range(out):
        place = i * (source - 1) / max(out - 1, 1)
        low = min(int(place), source - 1)
        weights[i, low] += 1 - (place - low)
        weights[i, min(low + 1, source - 1)] += place - low
    return weights
