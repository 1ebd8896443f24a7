"""References for VMTC, `diverse` and CMAI on families whose goldens have none: writes test/reductions/CASE.json.

python tools/reductions.py [GOLDENS] [CASE ...]    GOLDENS: the folder of golden families, ../shared/golden/families by default

Needs torch, transformers, safetensors and Pillow; no test runs it. Encoders, compression and arrangement are written here in
plain float64 from their description, without a look at the engine. Decoders are those of transformers, with an attention
function of this file. A case counts only if its plain run agrees with the golden values: see `check`.
"""

import json
import math
import re
import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import conv2d, gelu, layer_norm, linear, silu
from transformers import AttentionInterface, AutoConfig, AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

ROOT = Path(__file__).parent.parent
PICTURES = "golden/families/pictures"
GREEDY_STEPS, LEAST_MARGIN, LOGITS = 3, 1e-4, 16
F64 = torch.float64


# ---------------------------------------------------------------- VMTC


def round_half_up(value):
    return math.floor(value + 0.5)


def stage_plan(n, final, stages, layers):
    """[(block, cells out, clusters)] of the stages that shrink a view of n cells."""
    plan, now = [], n
    for i in range(1, stages + 1):
        out = final if i == stages else round_half_up(n * (final / n) ** (i / stages))
        if out < now:
            plan.append((i * layers // (stages + 1), out, min(out, max(1, round_half_up(0.156 * out)))))
            now = out
    return plan


def first_best(values, best):
    """The lowest index within 1e-6 of the best."""
    return next(i for i, v in enumerate(values) if abs(v - best) <= 1e-6)


def cosine_k_means(rows, count):
    """Labels, numbered by smallest member."""
    count = min(count, len(rows))
    norms = rows.norm(dim=1, keepdim=True)
    unit = torch.where(norms > 0, rows / norms, torch.zeros_like(rows))
    step = len(rows) // count
    centres = [unit[i * step] for i in range(count)]
    labels = None
    for _ in range(10):
        cosines = unit @ torch.stack(centres).T
        new = [first_best(row, max(row)) for row in cosines.tolist()]
        for empty in range(count):
            if empty in new:
                continue
            movable = [i for i in range(len(rows)) if new.count(new[i]) >= 2]
            own = [float(cosines[i, new[i]]) for i in movable]
            new[movable[first_best(own, min(own))]] = empty
        if new == labels:
            break
        labels = new
        for c in range(count):
            total = unit[[i for i, label in enumerate(labels) if label == c]].sum(0)
            centres[c] = total / total.norm() if total.norm() >= 1e-6 else torch.zeros_like(total)
    names = {}
    return [names.setdefault(label, len(names)) for label in labels]


def compress(z, importance, out, clusters):
    """z [N, s, D], importance [N] -> [out, s, D], the primary cells, the labels of the others, and for each new cell the
    index of the old one that it counts as."""
    order = sorted(range(len(z)), key=lambda i: (-float(importance[i]), i))
    primary = sorted(order[: out - clusters])
    redundant = sorted(order[out - clusters :])
    cells, counts_as, labels = [z[i] for i in primary], list(primary), []
    if clusters:
        labels = cosine_k_means(z[redundant].flatten(1), clusters)
        for c in range(clusters):
            members = [redundant[i] for i, label in enumerate(labels) if label == c]
            weight = importance[members]
            total = weight.sum()
            share = torch.full_like(weight, 1 / len(members)) if total < 1e-12 else weight / total
            cells.append((share[:, None, None] * z[members]).sum(0))
            counts_as.append(max(members, key=lambda i: (float(importance[i]), -i)))
    return torch.stack(cells), primary, labels, counts_as


def diverse(x, count):
    """Indices of the kept rows, ascending."""
    norms = x.norm(dim=1, keepdim=True)
    unit = torch.where(norms > 0, x / norms, torch.zeros_like(x))
    distance = 1 - unit @ unit.T
    distance.fill_diagonal_(math.inf)
    chosen = []
    while len(chosen) < count:
        if not chosen:
            nearest = distance.min(1).values.tolist() if len(x) > 1 else [0.0]
        else:
            nearest = [-math.inf if i in chosen else float(distance[i, chosen].min()) for i in range(len(x))]
        chosen.append(first_best(nearest, max(nearest)))
    return sorted(chosen)


# ---------------------------------------------------------------- encoders


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


# ---------------------------------------------------------------- CMAI in the decoders of transformers

RUN = {}  # of the forward pass in progress: image [T] bool, prefix, ratio or None, layers, and the record that it fills


def visible_keys(t, window, prefix):
    rows, keys = torch.arange(t)[:, None], torch.arange(t)[None]
    seen = keys <= rows
    if window:
        seen = seen & (keys > rows - window)
    if prefix:
        seen = torch.where(rows < prefix, keys < prefix, seen)
    return seen


def attention(module, query, key, value, attention_mask, scaling, sliding_window=None, softcap=None, **_):
    group = query.shape[1] // key.shape[1]
    key, value = (x[0].repeat_interleave(group, 0) for x in (key, value))
    logits = query[0] @ key.transpose(1, 2) * scaling
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    t = logits.shape[-1]
    seen = visible_keys(t, sliding_window, RUN["prefix"])
    logits = logits.masked_fill(~seen, -math.inf)
    weights = logits.softmax(-1)
    gamma = (RUN["ratio"] or 0) * module.layer_idx / max(RUN["layers"] - 1, 1)
    if gamma > 0:
        cut = inhibited(weights.mean(0), seen, RUN["image"], gamma)
        RUN["cuts"][module.layer_idx] = cut
        weights = logits.masked_fill(cut, -math.inf).softmax(-1)
    return (weights @ value).transpose(0, 1)[None], None


def inhibited(a, seen, image, gamma):
    """a [T, T] head mean -> [T, T] bool"""
    text_before = a * ~image[None]
    text_before.fill_diagonal_(0)
    focus = a + text_before @ a
    cut = torch.zeros_like(seen)
    for j in range(len(a)):
        seen_images = (seen[j] & image).nonzero()[:, 0]
        if image[j] or len(seen_images) == 0:
            continue
        rank = gamma * (len(seen_images) - 1)
        rank = round(rank) if abs(rank - round(rank)) < 1e-9 else rank
        values = focus[j, seen_images]
        threshold = values.sort().values[math.ceil(rank)]
        cut[j, seen_images] = values < threshold
    return cut


AttentionInterface.register("reductions", attention)


# ---------------------------------------------------------------- families


class Model:
    """A family's encoder, connector, decoder, and how a picture's rows stand in its prompt."""

    first_position, prefix_lm = 0, False

    def __init__(self, folder, config):
        self.t, self.config = Tensors(folder), config
        self.decoder, self.head = self.load_decoder(folder)
        self.decoder.config._attn_implementation = "reductions"
        for module in self.decoder.modules():
            if hasattr(module, "config"):
                module.config._attn_implementation = "reductions"
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        ids = [*tokenizer["model"]["vocab"].values()] if isinstance(tokenizer["model"]["vocab"], dict) else range(len(tokenizer["model"]["vocab"]))
        self.known = max([*ids, *(token["id"] for token in tokenizer.get("added_tokens", []))]) + 1

    def load_decoder(self, folder):
        config = AutoConfig.from_pretrained(folder)
        changed = self.config.get("text_config", {}).get("model_type")
        if changed and changed != config.text_config.model_type:
            config.text_config = AutoConfig.for_model(**self.config["text_config"])
        model = AutoModelForImageTextToText.from_pretrained(folder, config=config, dtype=F64).eval()
        return model.model.language_model, model.lm_head

    def pixels_of_view(self, pixels, views, index):
        return pixels[index]

    def arrange(self, picture, owners, projected):
        """-> the picture's rows and, for each text between them, where it stands: [rows of a run, ...] by view"""
        return [list(x) for x in projected]

    def logits(self, ids, runs, rows, positions, ratio=None):
        image = torch.zeros(len(ids), dtype=torch.bool)
        for start, count in runs:
            image[start : start + count] = True
        table = self.decoder.embed_tokens
        embedded = table(torch.tensor([0 if hidden else i for i, hidden in zip(ids, image.tolist())]))
        embedded = self.scaled(embedded)
        embedded[image] = torch.stack(rows) if rows else embedded[image]
        RUN.update(image=image, ratio=ratio, cuts={}, layers=self.decoder.config.num_hidden_layers)
        place = torch.tensor(positions)
        place = place[:, None] if place.dim() == 2 else place[None]
        hidden = self.decoder(inputs_embeds=embedded[None], position_ids=place, use_cache=False).last_hidden_state
        return self.capped(self.head(hidden))[0], dict(RUN["cuts"])

    def scaled(self, embedded):
        return embedded

    def capped(self, logits):
        cap = getattr(self.decoder.config, "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits


class Llava(Model):
    """Two linear layers after a tower of one token a patch."""

    tower = {"run": -1}

    def __init__(self, folder, config):
        super().__init__(folder, config)
        self.encoder = ClipEncoder(self.t, config["vision_config"], **self.tower)

    def connect(self, cells):
        return self.t.dense(gelu(self.t.dense(cells[:, 0], "multi_modal_projector.linear_1")), "multi_modal_projector.linear_2")


class Anyres(Llava):
    """LLaVA-NeXT: tiles as one map, a learned row after each of its lines."""

    shrinks = False

    def map_of(self, picture):
        height, width = picture["resolution"]
        side = self.config["vision_config"]["image_size"] // self.config["vision_config"]["patch_size"]
        size = self.config["vision_config"]["image_size"]
        return height // size * side, width // size * side, side

    def window(self, picture):
        """Rows and columns of the map that are no padding."""
        rows, cols, _ = self.map_of(picture)
        height, width = picture["size"]
        if width / height > cols / rows:
            pad = (rows - int(round(height * (cols / width), 7))) // 2
            return pad, rows - pad, 0, cols
        pad = (cols - int(round(width * (rows / height), 7))) // 2
        return 0, rows, pad, cols - pad

    def shrunk_size(self, picture):
        """Rows and columns of the plain picture's map, where it is shrunk."""
        if not self.shrinks:
            return None
        top, bottom, left, right = self.window(picture)
        side = self.map_of(picture)[2]
        most = int(re.search(r"\d+", self.config["vision_aspect_ratio"])[0])
        q = math.sqrt((bottom - top) * (right - left) / (most * side * side))
        return (int((bottom - top) / q), int((right - left) / q)) if q > 1.1 else None

    def cells(self, picture, view, count):
        """Cells that a view counts for: its share of the plain picture's rows, less one row for each line of the map."""
        small = self.shrunk_size(picture)
        if not small or view == 0:
            return count
        top, bottom, *_ = self.window(picture)
        return max(1, (small[0] * (small[1] + 1) - (bottom - top)) // (len(picture["views"]) - 1))

    def arrange(self, picture, owners, projected):
        newline = self.t.get("image_newline")
        whole = all(len(o) == self.encoder_cells for o in owners)
        rows = list(projected[0])
        if len(projected) == 1:
            return [rows + [newline]]
        height, width, side = self.map_of(picture)
        placed = [[None] * width for _ in range(height)]
        for view, (view_owners, view_rows) in enumerate(zip(owners[1:], projected[1:])):
            top, left = view // (width // side) * side, view % (width // side) * side
            for owner, row in zip(view_owners, view_rows):
                placed[top + owner // side][left + owner % side] = row
        top, bottom, left, right = self.window(picture)
        lines = [[row for row in line[left:right] if row is not None] for line in placed[top:bottom]]
        small = self.shrunk_size(picture)
        if whole and small:
            lines = self.shrunk(torch.stack([torch.stack(line) for line in lines]), small)
        return [rows + [row for line in lines if line for row in [*line, newline]]]

    def shrunk(self, grid, out):
        small = torch.nn.functional.interpolate(grid.permute(2, 0, 1)[None], size=out, mode="bilinear", align_corners=False)
        return [list(line) for line in small[0].permute(1, 2, 0)]


class Onevision(Anyres):
    shrinks = True
    tower = {}


class Original(Llava):
    """The layouts of the original LLaVA code: the decoder's fields at the top."""

    def load_decoder(self, folder):
        config_class, model_class = self.decoders
        config = config_class(**{k: v for k, v in self.config.items() if k not in ("model_type", "auto_map", "architectures", "torch_dtype", "transformers_version")})
        model = model_class(config).to(F64).eval()
        state = {k: v for k, v in self.t.all.items() if "vision_tower" not in k and "mm_projector" not in k}
        model.load_state_dict(state, strict=True)
        return model.model, model.lm_head


class Nanollava(Original):
    decoders = (Qwen2Config, Qwen2ForCausalLM)
    tower = {}

    def connect(self, cells):
        return self.t.dense(gelu(self.t.dense(cells[:, 0], "mm_projector.0")), "mm_projector.2")


class Shikra(Original):
    decoders = (LlamaConfig, LlamaForCausalLM)

    def connect(self, cells):
        return self.t.dense(cells[:, 0], "mm_projector")


class Paligemma(Llava):
    tower = {"post": True}
    first_position, prefix_lm = 1, True

    def connect(self, cells):
        return self.t.dense(cells[:, 0], "multi_modal_projector.linear")


class Lfm2Vl(Model):
    def __init__(self, folder, config):
        super().__init__(folder, config)
        self.encoder = NaflexEncoder(self.t, config["vision_config"], post=True)

    def connect(self, cells):
        x = cells.flatten(1)
        if self.config.get("projector_use_layernorm", True):
            x = layer_norm(x, x.shape[1:], self.t.get("multi_modal_projector.layer_norm.weight"), self.t.get("multi_modal_projector.layer_norm.bias"), 1e-5)
        return self.t.dense(gelu(self.t.dense(x, "multi_modal_projector.linear_1")), "multi_modal_projector.linear_2")


class Mistral3(Model):
    """Lines of a picture are runs of their own, with text tokens between."""

    def __init__(self, folder, config):
        super().__init__(folder, config)
        self.encoder = PixtralEncoder(self.t, config["vision_config"])

    def connect(self, cells):
        x = rms_norm(cells, self.t.get("multi_modal_projector.norm.weight"), 1e-5)
        x = linear(x.transpose(1, 2).flatten(1), self.t.get("merging_layer.weight"))
        return self.t.dense(gelu(self.t.dense(x, "multi_modal_projector.linear_1")), "multi_modal_projector.linear_2")

    def arrange(self, picture, owners, projected):
        cols = picture["views"][0][1] // 2
        lines = {}
        for owner, row in sorted(zip(owners[0], projected[0]), key=lambda pair: pair[0]):
            lines.setdefault(owner // cols, []).append(row)
        return [lines[line] for line in sorted(lines)]


class Qwen35(Model):
    def __init__(self, folder, config):
        super().__init__(folder, config)
        self.encoder = QwenEncoder(self.t, config["vision_config"])

    def pixels_of_view(self, pixels, views, index):
        first = sum(rows * cols for rows, cols in views[:index])
        rows, cols = views[index]
        return pixels[first : first + rows * cols]

    def connect(self, cells):
        x = self.encoder.norm(cells, "visual.merger.norm").flatten(1)
        return self.t.dense(gelu(self.t.dense(x, "visual.merger.linear_fc1")), "visual.merger.linear_fc2")


FAMILIES = {
    "llava_next": Anyres,
    "llava_onevision": Onevision,
    "nanollava": Nanollava,
    "shikra": Shikra,
    "paligemma": Paligemma,
    "lfm2_vl": Lfm2Vl,
    "mistral3": Mistral3,
    "qwen3_5": Qwen35,
}


# ---------------------------------------------------------------- prompts


def best_resolution(pinpoints, height, width):
    def rank(size):
        scale = min(size[1] / width, size[0] / height)
        usable = min(int(width * scale) * int(height * scale), width * height)
        return usable, usable - size[0] * size[1]

    return max(pinpoints, key=rank)


def golden_prompt(folder, case, name):
    prompt = next(p for p in case["prompts"] if p["name"] == name)
    expected = load_file(folder / "expected.safetensors")
    packings, sizes = prompt.get("packing"), prompt.get("imageSizes")
    pictures = [
        {"views": views, "runs": runs, **({"resolution": packings[i]["resolution"], "size": sizes[i]} if packings and packings[i] else {})}
        for i, (views, runs) in enumerate(zip(prompt["views"], prompt["imageRows"]))
    ]
    values = {key.removeprefix(f"{name}."): t.to(F64) for key, t in expected.items() if key.startswith(f"{name}.")}
    return {"name": name, "ids": prompt["ids"], "pictures": pictures, "pixels": values["pixels"], "greedy": prompt["greedy"], "expected": values}


def made_prompt(folder, shared, config, made):
    """A prompt of committed pictures, for cases whose own prompts need photographs."""
    from transformers import AutoImageProcessor, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder / "model")
    processor.image_processor = AutoImageProcessor.from_pretrained(folder / "model", backend="pil")
    for name, value in made.get("config", {}).items():
        if hasattr(processor, name):
            setattr(processor, name, value)
    images = [Image.open(shared / PICTURES / name).convert("RGB") for name in made["pictures"]]
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": made["text"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
    read = processor(text=text, images=images, add_special_tokens=False, return_tensors="pt")
    ids, hidden = read["input_ids"][0].tolist(), placeholder(config)
    starts = [i for i, token in enumerate(ids) if token == hidden and (i == 0 or ids[i - 1] != hidden)]
    runs = [[start, next((i for i in range(start, len(ids)) if ids[i] != hidden), len(ids)) - start] for start in starts]
    pictures, pixels = [], read["pixel_values"].to(F64)
    for i, image in enumerate(images):
        if config["model_type"] == "mistral3":
            side = config["vision_config"]["patch_size"]
            height, width = read["image_sizes"][i].tolist()
            views = [[height // side, width // side]]
            pictures.append({"views": views, "runs": [runs.pop(0) for _ in range(views[0][0] // 2)]})
        elif config["model_type"] == "qwen3_5":
            pictures.append({"views": [read["image_grid_thw"][i, 1:].tolist()], "runs": [runs.pop(0)]})
        else:
            side = config["vision_config"]["image_size"] // config["vision_config"]["patch_size"]
            size = [image.height, image.width]
            views = [[side, side]] * pixels.shape[1]
            pictures.append({"views": views, "runs": [runs.pop(0)], "size": size, "resolution": best_resolution(config["image_grid_pinpoints"], *size)})
    pixels = pixels.flatten(0, 1) if pixels.dim() == 5 else pixels
    return {"name": made["name"], "ids": ids, "pictures": pictures, "pixels": pixels}


def placeholder(config):
    return config.get("image_token_id", config.get("image_token_index"))


def prompt_with(prompt, rows_of_pictures):
    """-> ids, runs of each picture, after its runs of rows were replaced"""
    ids, runs, end = [], [], 0
    for picture, rows in zip(prompt["pictures"], rows_of_pictures):
        old = picture["runs"]
        between = [prompt["ids"][a + n : b] for (a, n), (b, _) in zip(old, old[1:])]
        ids += prompt["ids"][end : old[0][0]]
        own = []
        for i, run in enumerate(rows):
            ids += between[i - 1] if i else []
            own.append([len(ids), len(run)])
            ids += [prompt["ids"][old[0][0]]] * len(run)
        runs.append(own)
        end = old[-1][0] + old[-1][1]
    return ids + prompt["ids"][end:], runs


def axis_positions(prompt, owners_of_pictures):
    """Positions on three axes, [3][T], and the next one."""
    out, p, at = [], 0, 0
    for picture, owners in zip(prompt["pictures"], owners_of_pictures):
        start, count = picture["runs"][0]
        out += [[p + i] * 3 for i in range(start - at)]
        p += start - at
        rows, cols = (n // 2 for n in picture["views"][0])
        out += [[p, p + owner // cols, p + owner % cols] for owner in owners[0]]
        p, at = p + max(rows, cols), start + count
    out += [[p + i] * 3 for i in range(len(prompt["ids"]) - at)]
    return [list(axis) for axis in zip(*out)], p + len(prompt["ids"]) - at


# ---------------------------------------------------------------- one run


def shares(setting, model, picture, cells):
    """Final cells of each view."""
    counts = [model.cells(picture, view, n) if hasattr(model, "cells") and "resolution" in picture else n for view, n in enumerate(cells)]
    return [max(1, math.floor(setting["ratio"] * n + 1e-9)) for n in counts]


def run(model, prompt, setting):
    result = {"views": []}
    rows_of_pictures, owners_of_pictures, index = [], [], 0
    features = []
    for picture in prompt["pictures"]:
        r = model.encoder.cell
        cells = [rows * cols // r**2 for rows, cols in picture["views"]]
        model.encoder_cells = cells[0]
        finals = shares(setting, model, picture, cells) if "method" in setting else cells
        owners, projected = [], []
        for view, ((rows, cols), n, final) in enumerate(zip(picture["views"], cells, finals)):
            stages = stage_plan(n, final, setting.get("stages", 3), model.encoder.layers) if setting.get("method") == "vmtc" else []
            assert all(block < model.encoder.run for block, _, _ in stages)
            pixels = model.pixels_of_view(prompt["pixels"], [v for p in prompt["pictures"] for v in p["views"]], index)
            z, own, records = model.encoder.encode(pixels, rows, cols, stages)
            features.append((model.encoder.head, z, (rows, cols)))
            x = model.connect(z)
            if setting.get("method") == "diverse" and final < n:
                own = diverse(x, final)
                x = x[own]
            owners.append(own)
            projected.append(x)
            result["views"].append({"cells": n, "owners": own, "stages": records})
            index += 1
        owners_of_pictures.append(owners)
        rows_of_pictures.append(model.arrange(picture, owners, projected))
    ids, runs = prompt_with(prompt, rows_of_pictures)
    flat = [row for picture in rows_of_pictures for rows in picture for row in rows]
    flat_runs = [one for picture in runs for one in picture]
    three = isinstance(model, Qwen35)
    positions, after = axis_positions(prompt, owners_of_pictures) if three else (list(range(model.first_position, len(ids) + model.first_position)), len(ids) + model.first_position)
    RUN["prefix"] = len(ids) if model.prefix_lm else 0
    greedy, margins = [], [math.inf]
    never = placeholder(model.config)
    for step in range(GREEDY_STEPS):
        more = list(range(after, after + step))
        place = [axis + more for axis in positions] if three else positions + more
        logits, cuts = model.logits(ids + greedy, flat_runs, flat, place, setting.get("maxRatio"))
        if step == 0:
            result["logits"], last, all_cuts = logits, logits[-1], cuts
        row = logits[-1].clone()
        row[model.known :] = -math.inf
        if never is not None and 0 <= never < len(row):
            row[never] = -math.inf
        best = row.topk(2).values
        margin = float((best[0] - best[1]) / row[row.isfinite()].abs().max())
        # Tokens after a choice that f32 cannot tell would be another answer.
        if margin < LEAST_MARGIN:
            break
        margins.append(margin)
        greedy.append(int(row.argmax()))
    result.update(ids=ids, runs=runs, projected=torch.stack(flat), greedy=greedy, margin=min(margins), last=last, features=features)
    image = torch.zeros(len(ids), dtype=torch.bool)
    for start, count in flat_runs:
        image[start : start + count] = True
    result["cuts"] = {layer: cut[: len(ids), : len(ids)][~image][:, image] for layer, cut in all_cuts.items()}
    return result


def nmse(a, b):
    return float(((a - b) ** 2).sum() / (b**2).sum())


def check(model, prompt):
    """The plain run against the golden values of transformers."""
    plain, expected = run(model, prompt, {}), prompt["expected"]
    assert plain["ids"] == prompt["ids"], prompt["name"]
    numbers = [nmse(plain["projected"], expected["projected"]), nmse(plain["logits"], expected["logits"])]
    print(f"  {prompt['name']}: plain run, NMSE of projected rows {numbers[0]:.1e}, of logits {numbers[1]:.1e}")
    assert max(numbers) < 1e-10
    assert plain["greedy"] == prompt["greedy"][: len(plain["greedy"])]


def digits(values):
    return [float(f"{v:.6g}") for v in values.tolist()]


def compact(result):
    last = result["last"]
    chosen = last[:: len(last) // LOGITS][:LOGITS]
    return {
        "tokens": len(result["ids"]),
        "imageRows": result["runs"],
        "views": result["views"],
        "norms": digits(result["projected"].norm(dim=1)),
        "logits": digits(chosen),
        "greedy": result["greedy"],
        "margin": float(f"{result['margin']:.2g}"),
        **({"inhibited": {layer: bits(cut) for layer, cut in result["cuts"].items()}} if result["cuts"] else {}),
    }


def bits(mask):
    """Row by row as one string of hexadecimal digits, the first pair in the highest bit."""
    flat = "".join("01"[b] for b in mask.flatten().int().tolist())
    flat += "0" * (-len(flat) % 4)
    return "".join(f"{int(flat[i : i + 4], 2):x}" for i in range(0, len(flat), 4))


VMTC50 = {"method": "vmtc", "ratio": 0.5}
VMTC25 = {"method": "vmtc", "ratio": 0.25}
DIVERSE = {"method": "diverse", "ratio": 0.5}
SETTINGS = {"vmtc50": VMTC50, "vmtc25": VMTC25, "vmtc50cmai60": {**VMTC50, "maxRatio": 0.6}, "diverse": DIVERSE}
FURTHER = ["vmtc50cmai60", "diverse"]

# Mistral's weights as Ministral 3 reads them, whose queries grow with their position, from position 12 on.
MINISTRAL3 = {
    **{"model_type": "ministral3", "hidden_act": "silu", "head_dim": 20, "hidden_size": 56, "intermediate_size": 84, "vocab_size": 312},
    **{"num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2, "rms_norm_eps": 1e-05, "max_position_embeddings": 192},
    "rope_parameters": {
        **{"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 16.0, "original_max_position_embeddings": 12},
        **{"beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.5},
    },
}

# The first prompt of a case has all settings, further ones these two. Golden prompts by name; prompts of committed pictures with text. `stages`: three of a small tower do not all run.
CASES = {
    "llava_next-mistral-f16": {"stages": 2, "prompts": ["tall", "two"]},
    "llava_next-vicuna-bf16": {"stages": 1, "prompts": ["wide"]},
    "llava_onevision-qwen2-tied-bf16": {
        "prompts": [{"name": "shrunk", "pictures": ["square_83x83.png"], "text": "What is it?", "config": {"vision_aspect_ratio": "anyres_max_4"}}, "tall", "two"],
    },
    "nanollava-original-bf16": {"prompts": ["tall", "two"]},
    "shikra-original-f16-sharded": {"stages": 2, "prompts": ["tall"]},
    "paligemma-gemma1-f32": {"stages": 2, "prompts": ["wide"]},
    "lfm2_vl-tiles-layernorm-f32": {"prompts": ["single", "two"]},
    "mistral3-published-bf16": {
        "prompts": [
            {"name": "pair", "pictures": ["wide_231x43.png", "cup_97x64.png"], "text": "Compare them."},
            {"name": "growing", "pictures": ["cup_97x64.png"], "text": "Compare them.", "config": {"text_config": MINISTRAL3}},
        ],
    },
    "qwen3_5-bf16": {"prompts": [{"name": "pair", "pictures": ["tall_37x187.png", "cup_97x64.png"], "text": "Compare them."}]},
}


@torch.no_grad()
def main():
    arguments = sys.argv[1:]
    goldens = Path(arguments.pop(0)) if arguments and "/" in arguments[0] else ROOT / "../shared/golden/families"
    torch.set_num_threads(1)
    out = ROOT / "test/reductions"
    out.mkdir(exist_ok=True)
    for name, wanted in CASES.items():
        if arguments and name not in arguments:
            continue
        print(name)
        folder = goldens / name
        case = json.loads((folder / "case.json").read_text())
        config = json.loads((folder / "model/config.json").read_text())
        model = FAMILIES[case["family"]](folder / "model", config)
        # Some goldens choose ids that their tokenizer lacks; the tests then add those to the tokenizer.
        model.known = max([model.known, *(token + 1 for prompt in case["prompts"] for token in prompt["greedy"])])
        for prompt in case["prompts"]:
            if prompt.get("imageRows"):
                check(model, golden_prompt(folder, case, prompt["name"]))
        prompts = []
        for given in wanted["prompts"]:
            made = isinstance(given, dict)
            changes = given.get("config", {}) if made else {}
            if "text_config" in changes:
                model, known = FAMILIES[case["family"]](folder / "model", {**config, **changes}), model.known
                model.known = known
            model.config = {**config, **changes}
            prompt = made_prompt(folder, goldens.parent.parent, model.config, given) if made else golden_prompt(folder, case, given)
            entry = {"name": prompt["name"], **({key: given[key] for key in ("pictures", "text", "config") if key in given} if made else {})}
            entry["settings"] = {}
            for setting in FURTHER if prompts else SETTINGS:
                options = {**SETTINGS[setting], **({"stages": wanted["stages"]} if SETTINGS[setting]["method"] == "vmtc" and "stages" in wanted else {})}
                result = run(model, prompt, options)
                entry["settings"][setting] = {"options": options, **compact(result)}
                print(f"  {prompt['name']}.{setting}: {len(result['ids'])} tokens, margin {result['margin']:.1e}, {result['greedy']}")
            prompts.append(entry)
        text = json.dumps({"case": name, "prompts": prompts}, separators=(",", ":"))
        (out / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
