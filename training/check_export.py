"""Runs an exported folder by Hugging Face's own rules, written plainly and apart from the training code, and compares the logits
with those of the training code's modules: the export's rearrangements must be right, not only reversible.

python check_export.py FOLDER
"""

import json
import math
import sys
from pathlib import Path

import torch
from torch.nn.functional import embedding, gelu, layer_norm, linear, silu

import decoder
from draw import draw
from evaluate import read_safetensors
from export import from_hugging_face
from packing import prefix_ids, prompt_ids
from scene import EVAL_SEED, make_scene
from tokenizer import Tokenizer
from vision import Encoder


def attention(q, k, v, heads, mask):
    """q, k, v [T, C] -> [T, C]."""
    q, k, v = (x.view(x.shape[0], heads, -1).transpose(0, 1) for x in (q, k, v))
    return ((q @ k.transpose(1, 2) / math.sqrt(q.shape[2]) + mask).softmax(-1) @ v).transpose(0, 1).flatten(1)


def vision_features(t, config, pixels):
    """pixels [3, S, S] float -> patch features of the configured layer [P, C]."""
    at = "vision_tower.vision_model."
    size = config["patch_size"]
    patches = torch.nn.functional.conv2d(pixels[None], t[at + "embeddings.patch_embedding.weight"], stride=size)[0].flatten(1).t()
    x = torch.cat([t[at + "embeddings.class_embedding"][None], patches]) + t[at + "embeddings.position_embedding.weight"]

    def norm(x, name):
        return layer_norm(x, x.shape[1:], t[name + ".weight"], t[name + ".bias"], config["layer_norm_eps"])

    def dense(x, name):
        return linear(x, t[name + ".weight"], t[name + ".bias"])

    x = norm(x, at + "pre_layrnorm")
    for i in range(config["num_hidden_layers"] - 1):  # hidden state -2
        layer = f"{at}encoder.layers.{i}."
        y = norm(x, layer + "layer_norm1")
        mixed = attention(*(dense(y, f"{layer}self_attn.{n}_proj") for n in "qkv"), config["num_attention_heads"], 0)
        x = x + dense(mixed, layer + "self_attn.out_proj")
        y = dense(norm(x, layer + "layer_norm2"), layer + "mlp.fc1")
        x = x + dense(y * torch.sigmoid(1.702 * y), layer + "mlp.fc2")
    y = gelu(dense(x[1:], "multi_modal_projector.linear_1"))
    return dense(y, "multi_modal_projector.linear_2")


def text_logits(t, config, x):
    """Embeddings [T, C] -> logits [T, V]."""
    at, heads = "language_model.model.", config["num_attention_heads"]
    count, width = x.shape
    half = width // heads // 2
    angle = torch.arange(count)[:, None] * config["rope_theta"] ** (-torch.arange(half) / half)
    cos, sin = (torch.cat([f(angle)] * 2, 1)[:, None] for f in (torch.cos, torch.sin))

    def turned(x):
        x = x.view(count, heads, -1)
        return (x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin).flatten(1)

    def norm(x, name):
        return x * (x.square().mean(1, keepdim=True) + config["rms_norm_eps"]).rsqrt() * t[name + ".weight"]

    mask = torch.full((count, count), -torch.inf).triu(1)
    for i in range(config["num_hidden_layers"]):
        layer = f"{at}layers.{i}."
        q, k, v = (linear(norm(x, layer + "input_layernorm"), t[f"{layer}self_attn.{n}_proj.weight"]) for n in "qkv")
        x = x + linear(attention(turned(q), turned(k), v, heads, mask), t[layer + "self_attn.o_proj.weight"])
        y = norm(x, layer + "post_attention_layernorm")
        x = x + linear(silu(linear(y, t[layer + "mlp.gate_proj.weight"])) * linear(y, t[layer + "mlp.up_proj.weight"]), t[layer + "mlp.down_proj.weight"])
    return linear(norm(x, at + "norm"), t["language_model.lm_head.weight"])


@torch.no_grad()
def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    t, config = read_safetensors(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    picture = torch.from_numpy(draw(make_scene(EVAL_SEED + 5), config["vision_config"]["image_size"])[0].copy())
    mean, std = (torch.tensor(preprocessor[key]) for key in ("image_mean", "image_std"))
    image = vision_features(t, config["vision_config"], ((picture / 255 - mean) / std).permute(2, 0, 1).contiguous())
    prefix, prompt = prefix_ids(tokenizer), prompt_ids(tokenizer, "What is in the picture?", True)
    table = t["language_model.model.embed_tokens.weight"]
    plain = text_logits(t, config["text_config"], torch.cat([embedding(torch.tensor(prefix), table), image, embedding(torch.tensor(prompt), table)]))

    encoder, model = Encoder(), decoder.Decoder(len(tokenizer.vocabulary))
    encoder_state, decoder_state = from_hugging_face(t)
    encoder.load_state_dict(encoder_state)
    model.load_state_dict(decoder_state)
    kept = model.read_image(prefix, model.project(encoder(picture.permute(2, 0, 1)[None].contiguous())[:, 1:]))
    count = len(prompt)
    mask = torch.full((1, 1, count, count), -1e9).triu(1)
    ours = model.read_text(torch.tensor([prompt]), torch.arange(count)[None], mask, kept, len(prefix), 0.0, torch.arange(count))
    error = float((plain[-count:] - ours).square().sum() / ours.square().sum())
    print(f"NMSE of the logits by Hugging Face's rules against the training code's: {error:.1e}")
    if error > 1e-9:
        raise SystemExit("the export differs from the training's model")


if __name__ == "__main__":
    main()
