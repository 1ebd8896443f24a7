"""A model of each family: encoder, connector, transformers' decoder, and the rows of its pictures."""

import json
import math
import re

import torch
from torch.nn.functional import gelu, layer_norm, linear
from transformers import AutoConfig, AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from encoders import F64, ClipEncoder, NaflexEncoder, PixtralEncoder, QwenEncoder, Tensors, rms_norm
from inhibition import RUN


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
