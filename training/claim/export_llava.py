"""Writes encoder, projector and language model as one LLaVA folder in f16 that the engine loads. About 275 MB: write it outside
the repository.

python training/claim/export_llava.py FOLDER [--projector FILE]
"""

import argparse
import json
from pathlib import Path

import torch

from projector import HERE, PATCHES, SHIPPED

from evaluate import read_safetensors
from export import write_safetensors

from conversation import SYSTEM, Tokens
from language import Language

IMAGE, PLACE = "<image>", "<repo_name>"  # a special piece that no prompt of ours holds gives its place to the picture
TEXT = "language_model"
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if loop.first and message['role'] != 'system' -%}{{ '<|im_start|>system\nSYSTEM<|im_end|>\n' }}{%- endif -%}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}"
    "{%- for part in message['content'] -%}{%- if part['type'] == 'image' -%}{{ '<image>\n' }}{%- endif -%}{%- endfor -%}"
    "{%- for part in message['content'] -%}{%- if part['type'] == 'text' -%}{{ part['text'] }}{%- endif -%}{%- endfor -%}"
    "{%- endif -%}"
    "{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
).replace("SYSTEM", SYSTEM)


def language_tensors(language: Language) -> dict[str, torch.Tensor]:
    out = {f"{TEXT}.model.embed_tokens.weight": language.table, f"{TEXT}.model.norm.weight": language.norm}
    sizes = [language.heads * language.head] + [language.key_heads * language.head] * 2
    for i, layer in enumerate(language.layers):
        at = f"{TEXT}.model.layers.{i}"
        for name, part in zip("qkv", layer.qkv.split(sizes)):
            out[f"{at}.self_attn.{name}_proj.weight"] = part
        gate, up = layer.gate_up.chunk(2)
        out |= {f"{at}.self_attn.o_proj.weight": layer.out, f"{at}.mlp.gate_proj.weight": gate, f"{at}.mlp.up_proj.weight": up,
                f"{at}.mlp.down_proj.weight": layer.down, f"{at}.input_layernorm.weight": layer.norm1, f"{at}.post_attention_layernorm.weight": layer.norm2}
    return out


def configs(language: Language) -> dict[str, dict]:
    """The shipped model's, with the other decoder."""
    read = lambda name: json.loads((SHIPPED.parent / name).read_text())
    config = read("config.json")
    config |= {"image_token_index": 3, "pad_token_id": 2, "tie_word_embeddings": True, "image_seq_length": PATCHES}
    config["text_config"] = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": language.table.shape[0], "hidden_size": language.width,
        "intermediate_size": language.layers[0].down.shape[1], "num_hidden_layers": len(language.layers), "num_attention_heads": language.heads,
        "num_key_value_heads": language.key_heads, "head_dim": language.head, "hidden_act": "silu", "max_position_embeddings": 8192,
        "rms_norm_eps": language.eps, "rope_theta": language.theta, "attention_bias": False, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>",
                 "unk_token": "<|endoftext|>", "add_bos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": 8192, "chat_template": TEMPLATE}
    generation = {"bos_token_id": 1, "eos_token_id": [0, 2], "pad_token_id": 2, "do_sample": False}
    return {"config.json": config, "preprocessor_config.json": read("preprocessor_config.json"), "tokenizer_config.json": tokenizer,
            "generation_config.json": generation}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--projector", type=Path, default=HERE / "projector.safetensors")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    language = Language(fold=False)
    shipped = {name: value for name, value in read_safetensors(SHIPPED).items() if name.startswith("vision_tower.")}
    tensors = {**shipped, **read_safetensors(args.projector), **language_tensors(language)}
    halves = {name: value.contiguous().half().numpy() for name, value in tensors.items()}
    write_safetensors(args.folder / "model.safetensors", halves)
    for name, value in configs(language).items():
        (args.folder / name).write_text(json.dumps(value, indent=2) + "\n")
    tokenizer = Tokens().file.read_text()
    if tokenizer.count(json.dumps(PLACE)) != 2:
        raise SystemExit(f"{PLACE} should stand twice in the tokenizer, among the pieces and among the special ones")
    (args.folder / "tokenizer.json").write_text(tokenizer.replace(json.dumps(PLACE), json.dumps(IMAGE)))
    print(f"{sum(a.size for a in halves.values())} parameters, {sum(f.stat().st_size for f in args.folder.iterdir())} bytes in all")


if __name__ == "__main__":
    main()
