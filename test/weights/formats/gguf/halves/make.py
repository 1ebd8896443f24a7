"""Writes recipes.json: how convert_hf_to_gguf.py turns golden models with pictures into a language file and a vision file.

A recipe has the metadata of both files, and for each tensor of the checkpoint (with N for the number of its layer) the
tensors that it becomes, with what is done to its values. Names come from the `gguf` package's own tables; keys and
operations are those of the converter's classes. The tests build the files from the checkpoints by these recipes.

    pip install gguf==0.19.0
    python make.py FOLDER_OF_GOLDEN_FAMILIES
"""

import json
import re
import struct
import sys
from pathlib import Path

import gguf

ROOT = Path(sys.argv[1])
ARCH = gguf.MODEL_ARCH


def tensor_names(folder):
    found = set()
    for file in sorted((ROOT / folder / "model").glob("*.safetensors")):
        data = file.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        found |= set(json.loads(data[8 : 8 + length])) - {"__metadata__"}
    return sorted(found)


def general(name):
    """With N for the first number between dots."""
    return re.sub(r"(?<=\.(?:layers|blocks)\.)\d+(?=\.)|(?<=\.layer\.)\d+(?=\.)|(?<=blk\.)\d+(?=\.)", "N", name)


def mapped(arch, name):
    names = gguf.get_tensor_name_map(arch, 64)
    found = names.get_name(name, try_suffixes=(".weight", ".bias"))
    assert found, name
    return found


def text_name(name):
    name = re.sub(r"^(language_model\.)?model\.(text_model|language_model)\.", "model.", name)
    return re.sub(r"^language_model\.(model\.|lm_head)", lambda found: found[1], name)


def language(arch, name, heads=None):
    """The tensor of a language file: its name, and what is done to its values."""
    name = name.replace(".dt_bias", ".dt_proj.bias")
    key = "model." + name.removeprefix("model.") if not name.startswith("lm_head") else name
    new = mapped(arch, key)
    if arch == ARCH.GEMMA3 and name.endswith("norm.weight"):
        return [[new, "add 1"]]
    if arch == ARCH.LLAMA and heads and re.search(r"\b[qk]_proj\.", name):
        return [[new, f"permute {heads['q' in name.split('.')[-2]]}"]]
    if "conv.conv" in name:
        return [[new, "squeeze"]]
    if arch == ARCH.QWEN35:
        if re.search(r"norm\.weight$", name) and "linear_attn" not in name:
            return [[new, "add 1"]]
        return [[new, recurrent(name, **heads)]]
    return [[new, ""]]


def recurrent(name, keys, share, key_width, width):
    """Value heads go from groups of a key head to tiles of all key heads."""
    if "in_proj_qkv" in name:
        return f"tile {keys} {share} {width} {2 * keys * key_width}"
    if "in_proj_z" in name:
        return f"tile {keys} {share} {width} 0"
    if re.search(r"in_proj_[ab]|dt_proj", name):
        return f"tile {keys} {share} 1 0"
    if "A_log" in name:
        return f"decay then tile {keys} {share} 1 0"
    if "conv1d" in name:
        return f"squeeze then tile {keys} {share} {width} {2 * keys * key_width}"
    if "linear_attn.out_proj" in name:
        return f"columns {keys} {share} {width}"
    return ""


def vision(kind, name, taps=(), heads=0, patch=0):
    """The tensors of a vision file."""
    arch = ARCH.MMPROJ
    if kind == "gemma3":
        name = name.replace("_weight", ".weight")
        return [[mapped(arch, name), "add 1" if "soft_emb_norm" in name else ""]]
    if kind in ("qwen2vl", "qwen3vl"):
        name = re.sub(r"^model\.visual\.", "visual.", name)
        if name == "visual.patch_embed.proj.weight":
            return [["v.patch_embd.weight", "frame 0"], ["v.patch_embd.weight.1", "frame 1"]]
        if name == "visual.patch_embed.proj.bias":
            return [["v.patch_embd.bias", ""]]
        if ".qkv." in name and kind == "qwen2vl":
            parts = [(mapped(arch, name.replace("qkv", part)), f"third {i}") for i, part in enumerate("qkv")]
            return [list(part) for part in parts]
        if deep := re.match(r"visual\.deepstack_merger_list\.(\d+)\.(norm|linear_fc\d)\.(weight|bias)", name):
            part = {"norm": "norm", "linear_fc1": "fc1", "linear_fc2": "fc2"}[deep[2]]
            return [[f"v.deepstack.{taps[int(deep[1])]}.{part}.{deep[3]}", ""]]
        if merger := re.match(r"visual\.merger\.(norm|linear_fc1|linear_fc2)\.(weight|bias)", name):
            return [[{"norm": "v.post_ln", "linear_fc1": "mm.0", "linear_fc2": "mm.2"}[merger[1]] + "." + merger[2], ""]]
        return [[mapped(arch, name), ""]]
    if kind == "internvl":
        name = name.removeprefix("model.")
        if projector := re.match(r"multi_modal_projector\.(layer_norm|linear_1|linear_2)\.(weight|bias)", name):
            part = {"layer_norm": "mlp1.0", "linear_1": "mlp1.1", "linear_2": "mlp1.3"}[projector[1]]
            return [[mapped(arch, f"{part}.{projector[2]}"), ""]]
        name = "model." + name
        if re.search(r"\.lambda_|position_embedding", name):
            name += ".weight"
        return [[mapped(arch, name), ""]]
    if kind == "lfm2":
        name = re.sub(r"^(model\.)?(vision_tower\.)(?!vision_model)", r"\2vision_model.", name)
        name = name.removeprefix("model.")
        return [[mapped(arch, name), f"channels first {patch}" if "patch_embedding.weight" in name else ""]]
    if kind == "pixtral":
        turned = re.search(r"\b[qk]_proj\.", name)
        return [[mapped(arch, name), f"permute {heads}" if turned else ""]]
    return [[mapped(arch, name), ""]]


def keys_of(arch, **values):
    name = gguf.MODEL_ARCH_NAMES[arch]
    return {"general.architecture": name, **{f"{name}.{key.replace('__', '.')}": value for key, value in values.items()}}


def decoder(text, **more):
    heads = text["num_attention_heads"]
    return {
        "block_count": text["num_hidden_layers"],
        "context_length": text["max_position_embeddings"],
        "embedding_length": text["hidden_size"],
        "feed_forward_length": text["intermediate_size"],
        "attention__head_count": heads,
        "attention__head_count_kv": text["num_key_value_heads"],
        "attention__layer_norm_rms_epsilon": text["rms_norm_eps"],
        "rope__freq_base": text["rope_theta"],
        **more,
    }


def head_width(text):
    width = text["head_dim"]
    return {"attention__key_length": width, "attention__value_length": width}


def clip(projector, fields, mean, std, **more):
    return {
        "general.architecture": "clip",
        "clip.has_vision_encoder": True,
        "clip.projector_type": projector,
        **{f"clip.vision.{key.replace('__', '.')}": value for key, value in fields.items()},
        "clip.vision.image_mean": mean,
        "clip.vision.image_std": std,
        **{f"clip.{key.replace('__', '.')}": value for key, value in more.items()},
    }


def tower(size, patch, width, mlp, out, blocks, heads, eps):
    return {
        "image_size": size,
        "patch_size": patch,
        "embedding_length": width,
        "feed_forward_length": mlp,
        "projection_dim": out,
        "block_count": blocks,
        "attention__head_count": heads,
        "attention__layer_norm_epsilon": eps,
    }


def recipe(folder, arch, keys, pre, clip_keys, kind, is_vision, **more):
    heads = more.pop("text_heads", None)
    tensors = {"language": {}, "vision": {}}
    for name in tensor_names(folder):
        if name.startswith("mtp."):
            continue
        if is_vision(name):
            tensors["vision"][general(name)] = [[general(new), op] for new, op in vision(kind, name, **more)]
        else:
            new = language(arch, text_name(name), heads)
            tensors["language"][general(name)] = [[general(own), op] for own, op in new]
    return {
        "language": {"metadata": {**keys_of(arch, **keys), "tokenizer.ggml.pre": pre}, "tensors": tensors["language"]},
        "vision": {"metadata": clip_keys, "tensors": tensors["vision"]},
    }


def config(folder):
    return json.loads((ROOT / folder / "model" / "config.json").read_text())


def processor(folder):
    return json.loads((ROOT / folder / "model" / "preprocessor_config.json").read_text())


HALF = [0.5, 0.5, 0.5]
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
in_visual = lambda name: "visual." in name
in_tower = lambda name: re.search(r"vision_tower|vision_model|multi_modal_projector|connector", name) is not None


def gemma3():
    folder = "gemma3-published-bf16"
    found = config(folder)
    defaults = {"max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "rope_theta": 1e6}
    text, own = {**defaults, **found["text_config"]}, found["vision_config"]
    keys = decoder(text, **head_width(text), attention__sliding_window=text["sliding_window"])
    keys |= {"rope__scaling__type": "linear", "rope__scaling__factor": text["rope_scaling"]["factor"]}
    size, patch = own["image_size"], own["patch_size"]
    fields = tower(size, patch, own["hidden_size"], own["intermediate_size"], text["hidden_size"],
                   own["num_hidden_layers"], own["num_attention_heads"], 1e-6)
    fields["projector__scale_factor"] = size // patch // int(found["mm_tokens_per_image"] ** 0.5)
    return recipe(folder, ARCH.GEMMA3, keys, "default", clip("gemma3", fields, HALF, HALF, use_gelu=True), "gemma3", in_tower)


def qwen2_vl():
    folder = "qwen2_vl-published-bf16"
    text = config(folder)
    own = text["vision_config"]
    sections = text["rope_scaling"]["mrope_section"]
    keys = decoder(text, rope__dimension_sections=[*sections, 0])
    # The converter writes the decoder's width as the length of the MLP.
    fields = tower(560, own["patch_size"], own["embed_dim"], own["hidden_size"], own["hidden_size"], own["depth"],
                   own["num_heads"], 1e-6)
    return recipe(folder, ARCH.QWEN2VL, keys, "qwen2", clip("qwen2vl_merger", fields, *CLIP), "qwen2vl", in_visual)


def qwen2_5_vl():
    folder = "qwen2_5_vl-windows-bf16"
    text = config(folder)
    own = text["vision_config"]
    keys = decoder(text, rope__dimension_sections=[*text["rope_scaling"]["mrope_section"], 0])
    fields = tower(560, own["patch_size"], own["hidden_size"], own["intermediate_size"], text["hidden_size"],
                   own["depth"], own["num_heads"], 1e-6)
    fields |= {"n_wa_pattern": own["fullatt_block_indexes"][0] + 1, "window_size": own["window_size"]}
    keys_of_clip = clip("qwen2.5vl_merger", fields, *CLIP, use_silu=True)
    return recipe(folder, ARCH.QWEN2VL, keys, "qwen2", keys_of_clip, "qwen2vl", in_visual)


def qwen3_vl():
    folder = "qwen3_vl-bf16"
    found = config(folder)
    text, own = found["text_config"], found["vision_config"]
    taps = own["deepstack_visual_indexes"]
    keys = decoder(text, **head_width(text), rope__dimension_sections=[*text["rope_scaling"]["mrope_section"], 0])
    keys["n_deepstack_layers"] = len(taps)
    side = int(own["num_position_embeddings"] ** 0.5)
    fields = tower(side * own["patch_size"], own["patch_size"], own["hidden_size"], own["intermediate_size"],
                   text["hidden_size"], own["depth"], own["num_heads"], 1e-6)
    fields |= {"spatial_merge_size": own["spatial_merge_size"]}
    fields["is_deepstack_layers"] = [block in taps for block in range(own["depth"])]
    keys_of_clip = clip("qwen3vl_merger", fields, HALF, HALF, use_gelu=True)
    return recipe(folder, ARCH.QWEN3VL, keys, "qwen2", keys_of_clip, "qwen3vl", in_visual, taps=taps)


def qwen3_5():
    folder = "qwen3_5-bf16"
    found = config(folder)
    text, own = found["text_config"], found["vision_config"]
    rope = text["rope_parameters"]
    keys = decoder({**text, **rope}, **head_width(text), rope__dimension_sections=[*rope["mrope_section"], 0])
    keys["rope__dimension_count"] = int(text["head_dim"] * rope["partial_rotary_factor"])
    key_heads, value_heads = text["linear_num_key_heads"], text["linear_num_value_heads"]
    keys |= {
        "ssm__conv_kernel": text["linear_conv_kernel_dim"],
        "ssm__state_size": text["linear_key_head_dim"],
        "ssm__group_count": key_heads,
        "ssm__time_step_rank": value_heads,
        "ssm__inner_size": text["linear_value_head_dim"] * value_heads,
        "full_attention_interval": text["full_attention_interval"],
    }
    side = int(own["num_position_embeddings"] ** 0.5)
    fields = tower(side * own["patch_size"], own["patch_size"], own["hidden_size"], own["intermediate_size"],
                   text["hidden_size"], own["depth"], own["num_heads"], 1e-6)
    fields |= {"spatial_merge_size": own["spatial_merge_size"]}
    heads = {"keys": key_heads, "share": value_heads // key_heads, "key_width": text["linear_key_head_dim"],
             "width": text["linear_value_head_dim"]}
    return recipe(folder, ARCH.QWEN35, keys, "qwen35", clip("qwen3vl_merger", fields, HALF, HALF, use_gelu=True), "qwen3vl",
                  in_visual, text_heads=heads)


def idefics3():
    folder = "idefics3-defaults-f16"
    found = config(folder)
    defaults = {"num_hidden_layers": 32, "max_position_embeddings": 2048, "rope_theta": 10000.0}
    text = {**defaults, **found["text_config"]}
    own = {"num_hidden_layers": 12, "num_attention_heads": 16, **found["vision_config"]}
    fields = tower(own["image_size"], own["patch_size"], own["hidden_size"], own["intermediate_size"],
                   text["hidden_size"], own["num_hidden_layers"], own["num_attention_heads"], 1e-6)
    fields |= {"projector__scale_factor": found["scale_factor"], "preproc_image_size": processor(folder)["size"]["longest_edge"]}
    heads = {True: text["num_attention_heads"], False: text["num_key_value_heads"]}
    return recipe(folder, ARCH.LLAMA, decoder(text, **head_width(text)), "smollm",
                  clip("idefics3", fields, HALF, HALF, use_gelu=True), "idefics3", in_tower, text_heads=heads)


def internvl():
    folder = "internvl-qwen2-bf16"
    found = config(folder)
    text, own = found["text_config"], found["vision_config"]
    fields = tower(own["image_size"][0], own["patch_size"][0], own["hidden_size"], own["intermediate_size"],
                   text["hidden_size"], own["num_hidden_layers"], own["num_attention_heads"], own["layer_norm_eps"])
    fields |= {"projector__scale_factor": int(1 / found["downsample_ratio"]), "preproc_max_tiles": processor(folder)["max_patches"]}
    return recipe(folder, ARCH.QWEN2, decoder(text), "qwen2", clip("internvl", fields, *IMAGENET, use_gelu=True),
                  "internvl", in_tower)


def lfm2():
    folder = "lfm2_vl-single-bf16"
    found = config(folder)
    defaults = {"max_position_embeddings": 128000, "rms_norm_eps": 1e-5, "rope_theta": 1e6}
    text, own = {**defaults, **found["text_config"]}, found["vision_config"]
    keys = decoder(text, shortconv__l_cache=3)
    kinds = [0 if kind == "conv" else text["num_key_value_heads"] for kind in text["layer_types"]]
    keys["attention__head_count_kv"] = kinds
    fields = tower(256, own["patch_size"], own["hidden_size"], own["intermediate_size"], text["hidden_size"],
                   own["num_hidden_layers"], own["num_attention_heads"], 1e-6)
    fields |= {"projector__scale_factor": found["downsample_factor"]}
    return recipe(folder, ARCH.LFM2, keys, "lfm2", clip("lfm2", fields, HALF, HALF, use_gelu=True), "lfm2", in_tower,
                  patch=own["patch_size"])


def mistral3():
    folder = "mistral3-published-bf16"
    found = config(folder)
    text, own = found["text_config"], found["vision_config"]
    heads = {True: text["num_attention_heads"], False: text["num_key_value_heads"]}
    fields = tower(own["image_size"], own["patch_size"], own["hidden_size"], own["intermediate_size"],
                   text["hidden_size"], own["num_hidden_layers"], own["num_attention_heads"], 1e-5)
    fields |= {"spatial_merge_size": found["spatial_merge_size"]}
    return recipe(folder, ARCH.LLAMA, decoder(text, **head_width(text)), "tekken",
                  clip("pixtral", fields, *CLIP, use_silu=True), "pixtral", in_tower, text_heads=heads,
                  heads=own["num_attention_heads"])


CASES = {
    "gemma3-published-bf16": gemma3,
    "qwen2_vl-published-bf16": qwen2_vl,
    "qwen2_5_vl-windows-bf16": qwen2_5_vl,
    "qwen3_vl-bf16": qwen3_vl,
    "qwen3_5-bf16": qwen3_5,
    "idefics3-defaults-f16": idefics3,
    "internvl-qwen2-bf16": internvl,
    "lfm2_vl-single-bf16": lfm2,
    "mistral3-published-bf16": mistral3,
}
recipes = {folder: make() for folder, make in CASES.items()}
Path(__file__).with_name("recipes.json").write_text(json.dumps(recipes, indent=1, ensure_ascii=False) + "\n")
