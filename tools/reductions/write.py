"""References for VMTC, `diverse` and CMAI on families whose goldens have none: writes test/reductions/CASE.json.

python tools/reductions/write.py [GOLDENS] [CASE ...]    GOLDENS: the folder of golden families, ../shared/golden/families by default

Needs torch, transformers, safetensors and Pillow; no test runs it. The files beside this one compute everything in plain
float64 from its description, without a look at the engine. Decoders are those of transformers, with an attention function
of their own. A case counts only if its plain run agrees with the golden values: see `check`.
"""

import json
import sys
from pathlib import Path

import torch

from models import FAMILIES
from prompts import golden_prompt, made_prompt
from run import run

ROOT = Path(__file__).parent.parent.parent
LOGITS = 16  # of a row, evenly spaced


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
