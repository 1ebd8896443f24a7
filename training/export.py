"""Writes a checkpoint as an ordinary LlavaForConditionalGeneration folder in Hugging Face layout, in f16.

python export.py FOLDER [--runs RUNS] [--stage joint]. Undoes the training's liberties (fused matrices, folded quick_gelu factor,
scaled and tied embedding, rotary pairs side by side) and checks itself: the f16 tensors are read back, turned round, and the
logits compared with those of the f32 checkpoint.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import decoder
import vision
from scene import EVAL_SEED
from tokenizer import BOS, EOS, IMAGE, PAD, Tokenizer
from train_decoder import Model, make_batch

FACTOR = 1.702  # quick_gelu(x) = x sigmoid(1.702 x) = SiLU(1.702 x) / 1.702
VISION, TEXT = "vision_tower.vision_model", "language_model"
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}{{ 'ASSISTANT: ' }}{%- elif message['role'] == 'user' -%}{{ 'USER: ' }}{%- endif -%}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}"
    "{%- for part in message['content'] -%}{%- if part['type'] == 'image' -%}{{ '<image>\n' }}{%- endif -%}{%- endfor -%}"
    "{%- for part in message['content'] -%}{%- if part['type'] == 'text' -%}{{ part['text'] }}{%- endif -%}{%- endfor -%}"
    "{%- endif -%}"
    "{{ '</s>' if message['role'] == 'assistant' else ' ' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}"
)


def _halves(matrix: Tensor) -> Tensor:
    """Rows of a q or k matrix from pairs side by side to Llama's halves, head by head."""
    return matrix.view(decoder.HEADS, decoder.HEAD // 2, 2, -1).transpose(1, 2).reshape(matrix.shape)


def _pairs(matrix: Tensor) -> Tensor:
    return matrix.view(decoder.HEADS, 2, decoder.HEAD // 2, -1).transpose(1, 2).reshape(matrix.shape)


def to_hugging_face(encoder_state: dict[str, Tensor], decoder_state: dict[str, Tensor]) -> dict[str, Tensor]:
    e, d, out = encoder_state, decoder_state, {}
    out[f"{VISION}.embeddings.class_embedding"] = e["class_token"]
    out[f"{VISION}.embeddings.patch_embedding.weight"] = e["patch.weight"].view(-1, 3, vision.PATCH, vision.PATCH)
    out[f"{VISION}.embeddings.position_embedding.weight"] = e["position"]
    for mine, theirs in (("pre_norm", "pre_layrnorm"), ("post_norm", "post_layernorm")):
        for kind in ("weight", "bias"):
            out[f"{VISION}.{theirs}.{kind}"] = e[f"{mine}.{kind}"]
    for i in range(vision.BLOCKS):
        to = f"{VISION}.encoder.layers.{i}"
        for kind in ("weight", "bias"):
            for name, part in zip("qkv", e[f"blocks.{i}.qkv.{kind}"].chunk(3)):
                out[f"{to}.self_attn.{name}_proj.{kind}"] = part
            out[f"{to}.self_attn.out_proj.{kind}"] = e[f"blocks.{i}.out.{kind}"]
            out[f"{to}.layer_norm1.{kind}"], out[f"{to}.layer_norm2.{kind}"] = e[f"blocks.{i}.norm1.{kind}"], e[f"blocks.{i}.norm2.{kind}"]
            out[f"{to}.mlp.fc1.{kind}"] = e[f"blocks.{i}.fc1.{kind}"] / FACTOR
        out[f"{to}.mlp.fc2.weight"], out[f"{to}.mlp.fc2.bias"] = e[f"blocks.{i}.fc2.weight"] * FACTOR, e[f"blocks.{i}.fc2.bias"]
    for kind in ("weight", "bias"):
        for n in (1, 2):
            out[f"multi_modal_projector.linear_{n}.{kind}"] = d[f"linear{n}.{kind}"]
    out[f"{TEXT}.model.embed_tokens.weight"] = d["embedding"] * decoder.SCALE
    out[f"{TEXT}.lm_head.weight"], out[f"{TEXT}.model.norm.weight"] = d["embedding"], d["norm.weight"]
    for i in range(decoder.LAYERS):
        to, layer = f"{TEXT}.model.layers.{i}", f"layers.{i}"
        q, k, v = d[f"{layer}.qkv.weight"].chunk(3)
        out[f"{to}.self_attn.q_proj.weight"], out[f"{to}.self_attn.k_proj.weight"] = _halves(q), _halves(k)
        out[f"{to}.self_attn.v_proj.weight"], out[f"{to}.self_attn.o_proj.weight"] = v, d[f"{layer}.out.weight"]
        out[f"{to}.mlp.gate_proj.weight"], out[f"{to}.mlp.up_proj.weight"] = d[f"{layer}.gate_up.weight"].chunk(2)
        out[f"{to}.mlp.down_proj.weight"] = d[f"{layer}.down.weight"]
        out[f"{to}.input_layernorm.weight"], out[f"{to}.post_attention_layernorm.weight"] = d[f"{layer}.norm1.weight"], d[f"{layer}.norm2.weight"]
    return out


def from_hugging_face(t: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The inverse, for the check."""
    e = {"class_token": t[f"{VISION}.embeddings.class_embedding"], "position": t[f"{VISION}.embeddings.position_embedding.weight"],
         "patch.weight": t[f"{VISION}.embeddings.patch_embedding.weight"].flatten(1)}
    for kind in ("weight", "bias"):
        e[f"pre_norm.{kind}"], e[f"post_norm.{kind}"] = t[f"{VISION}.pre_layrnorm.{kind}"], t[f"{VISION}.post_layernorm.{kind}"]
        for i in range(vision.BLOCKS):
            at, to = f"{VISION}.encoder.layers.{i}", f"blocks.{i}"
            e[f"{to}.qkv.{kind}"] = torch.cat([t[f"{at}.self_attn.{name}_proj.{kind}"] for name in "qkv"])
            e[f"{to}.out.{kind}"] = t[f"{at}.self_attn.out_proj.{kind}"]
            e[f"{to}.norm1.{kind}"], e[f"{to}.norm2.{kind}"] = t[f"{at}.layer_norm1.{kind}"], t[f"{at}.layer_norm2.{kind}"]
            e[f"{to}.fc1.{kind}"] = t[f"{at}.mlp.fc1.{kind}"] * FACTOR
            e[f"{to}.fc2.{kind}"] = t[f"{at}.mlp.fc2.{kind}"] / (FACTOR if kind == "weight" else 1)
    d = {"embedding": t[f"{TEXT}.lm_head.weight"], "norm.weight": t[f"{TEXT}.model.norm.weight"]}
    for n in (1, 2):
        for kind in ("weight", "bias"):
            d[f"linear{n}.{kind}"] = t[f"multi_modal_projector.linear_{n}.{kind}"]
    for i in range(decoder.LAYERS):
        at, to = f"{TEXT}.model.layers.{i}", f"layers.{i}"
        q, k, v = (t[f"{at}.self_attn.{name}_proj.weight"] for name in "qkv")
        d[f"{to}.qkv.weight"] = torch.cat([_pairs(q), _pairs(k), v])
        d[f"{to}.out.weight"] = t[f"{at}.self_attn.o_proj.weight"]
        d[f"{to}.gate_up.weight"] = torch.cat([t[f"{at}.mlp.gate_proj.weight"], t[f"{at}.mlp.up_proj.weight"]])
        d[f"{to}.down.weight"] = t[f"{at}.mlp.down_proj.weight"]
        d[f"{to}.norm1.weight"], d[f"{to}.norm2.weight"] = t[f"{at}.input_layernorm.weight"], t[f"{at}.post_attention_layernorm.weight"]
    return e, d


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    header, offset, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name, array in sorted(tensors.items()):
        blobs.append(array.tobytes())
        header[name] = {"dtype": "F16", "shape": list(array.shape), "data_offsets": [offset, offset + len(blobs[-1])]}
        offset += len(blobs[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def configs(tokenizer: Tokenizer) -> dict[str, dict]:
    ids = {name: tokenizer.vocabulary[name] for name in (BOS, EOS, IMAGE, PAD)}
    vision_config = {"model_type": "clip_vision_model", "hidden_size": vision.WIDTH, "intermediate_size": vision.MLP, "num_hidden_layers": vision.BLOCKS,
                     "num_attention_heads": vision.HEADS, "num_channels": 3, "image_size": vision.SIDE, "patch_size": vision.PATCH,
                     "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "projection_dim": vision.WIDTH}
    text_config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": len(tokenizer.vocabulary), "hidden_size": decoder.WIDTH,
                   "intermediate_size": decoder.MLP, "num_hidden_layers": decoder.LAYERS, "num_attention_heads": decoder.HEADS,
                   "num_key_value_heads": decoder.HEADS, "head_dim": decoder.HEAD, "hidden_act": "silu", "max_position_embeddings": 512,
                   "rms_norm_eps": decoder.EPS, "rope_theta": decoder.THETA, "attention_bias": False, "tie_word_embeddings": False,
                   "bos_token_id": ids[BOS], "eos_token_id": ids[EOS], "pad_token_id": ids[PAD]}
    config = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "torch_dtype": "float16", "image_token_index": ids[IMAGE],
              "pad_token_id": ids[PAD], "projector_hidden_act": "gelu", "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
              "image_seq_length": vision.GRID**2, "multimodal_projector_bias": True, "tie_word_embeddings": False,
              "vision_config": vision_config, "text_config": text_config}
    preprocessor = {"image_processor_type": "CLIPImageProcessor", "processor_class": "LlavaProcessor", "do_convert_rgb": True, "do_resize": True,
                    "size": {"height": vision.SIDE, "width": vision.SIDE}, "resample": 3, "do_center_crop": False, "do_rescale": True,
                    "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": list(vision.MEAN), "image_std": list(vision.STD)}
    tokenizer_config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "unk_token": None,
                        "add_bos_token": True, "clean_up_tokenization_spaces": False, "model_max_length": 512, "chat_template": TEMPLATE}
    generation = {"bos_token_id": ids[BOS], "eos_token_id": ids[EOS], "pad_token_id": ids[PAD], "do_sample": False, "max_new_tokens": 96}
    return {"config.json": config, "preprocessor_config.json": preprocessor, "tokenizer_config.json": tokenizer_config, "generation_config.json": generation}


@torch.no_grad()
def half_precision_error(model: Model, tokenizer: Tokenizer, halves: dict[str, np.ndarray]) -> float:
    """Normalised mean squared error of the logits when the weights are those that were written."""
    batch = make_batch(tokenizer, 0, EVAL_SEED + (1 << 29), 8)
    exact, _ = model.logits(batch, None, 0.0, True)
    encoder_state, decoder_state = from_hugging_face({name: torch.from_numpy(a).float() for name, a in halves.items()})
    model.encoder.load_state_dict(encoder_state)
    model.decoder.load_state_dict(decoder_state)
    rounded, _ = model.logits(batch, None, 0.0, True)
    return float((exact - rounded).square().sum() / exact.square().sum())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=Path, default=os.environ.get("FOVEA_RUNS"))
    parser.add_argument("--stage", default="joint")
    args = parser.parse_args()
    runs = Path(args.runs)
    tokenizer = Tokenizer.load(runs / "tokenizer.json")
    state = torch.load(runs / f"{args.stage}.pt")
    model = Model(tokenizer)
    model.encoder.load_state_dict(state["encoder"])
    model.decoder.load_state_dict(state["decoder"])
    tensors = to_hugging_face(state["encoder"], state["decoder"])
    halves = {name: t.contiguous().half().numpy() for name, t in tensors.items()}
    args.folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(args.folder / "model.safetensors", halves)
    for name, value in configs(tokenizer).items():
        (args.folder / name).write_text(json.dumps(value, indent=2) + "\n")
    shutil.copy(runs / "tokenizer.json", args.folder / "tokenizer.json")
    size = sum(f.stat().st_size for f in args.folder.iterdir())
    print(f"{state['done']} pictures of stage {args.stage}; {sum(a.size for a in halves.values())} parameters, {size} bytes in all; "
          f"logits of the f16 weights: NMSE {half_precision_error(model, tokenizer, halves):.2e}")


if __name__ == "__main__":
    main()
