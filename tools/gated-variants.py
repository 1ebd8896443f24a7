"""References for checkpoints of gated cross-attention in other shapes than the golden one: writes test/variants/gated.json.

python tools/gated-variants.py [GOLDENS]    GOLDENS: the folder of golden families, ../shared/golden/families by default

Needs torch, transformers and safetensors; no test runs it. Each variant is the golden checkpoint of IDEFICS with other fields and
with tensors that are dropped or made of its own, as test/families/gated-variants.gpu.test.ts makes them too. Values are those of
transformers in float64, from the golden pixels.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import IdeficsConfig, IdeficsForVisionText2Text

ROOT = Path(__file__).parent.parent
ROWS = [30, 65, 96, 97, 109]
COLUMNS = [*range(0, 40), *range(430, 442)]
STEPS = 3
GATED = "model.gated_cross_attn_layers."


def without(tensors, part):
    return {name: tensor for name, tensor in tensors.items() if part not in name}


def no_norms(tensors, config):
    """No norms of queries and keys, a tied head."""
    config.update(qk_layer_norms=False, tie_word_embeddings=True)
    config["perceiver_config"]["qk_layer_norms_perceiver"] = False
    for part in ("q_layer_norm", "k_layer_norm", "lm_head."):
        tensors = without(tensors, part)
    return tensors


def no_resampler(tensors, config):
    """The decoder reads the encoder's features; a gated layer before each other layer."""
    config.update(use_resampler=False, cross_layer_interval=1)
    tensors = without(tensors, "perceiver_resampler")
    for layer in (2, 3):
        copies = {
            name.replace(f"{GATED}{layer - 2}.", f"{GATED}{layer}."): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"{GATED}{layer - 2}.")
        }
        tensors.update(copies)
    return tensors


def vector_gates(tensors, config):
    """A gate a channel, and one gated layer for all."""
    config.update(alpha_type="vector", cross_layer_interval=4)
    tensors = without(tensors, f"{GATED}1.")
    width = config["hidden_size"]
    for name in ("alpha_cross_attn", "alpha_dense"):
        channels = torch.arange(width, dtype=torch.float32) / width - 0.5
        tensors[f"{GATED}0.{name}"] = (2 * channels).reshape(1, 1, width)
    return tensors


def end_inside(tensors, config):
    """As it is, with an end token in the prompt."""
    return tensors


VARIANTS = {"no norms": no_norms, "no resampler": no_resampler, "vector gates": vector_gates, "an end token": end_inside}


def image_mask(ids, pictures, image_id, end_id):
    """Which picture each row sees: processing_idefics.py, image_attention_mask_for_packed_input_ids."""
    from transformers.models.idefics.processing_idefics import (
        image_attention_mask_for_packed_input_ids,
        incremental_to_binary_attention_mask,
    )

    class Ids:
        eos_token_id = end_id

        def convert_tokens_to_ids(self, _):
            return image_id

    mask, _ = image_attention_mask_for_packed_input_ids(torch.tensor([ids]), Ids(), "pt")
    return incremental_to_binary_attention_mask(mask, "pt", num_classes=pictures)


def run(model, ids, pixels, mask):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), pixel_values=pixels, image_attention_mask=mask).logits[0]


def main():
    goldens = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/golden/families"
    folder = goldens / "idefics"
    case = json.loads((folder / "case.json").read_text())
    expected = load_file(folder / "expected.safetensors")
    prompt = next(prompt for prompt in case["prompts"] if prompt["name"] == "two")
    pixels = expected["two.pixels"].double()[None]
    written = {"rows": ROWS, "columns": COLUMNS, "variants": {}}
    for name, change in {"golden": end_inside, **VARIANTS}.items():
        config = json.loads((folder / "model/config.json").read_text())
        tensors = change(load_file(folder / "model/model.safetensors"), config)
        model = IdeficsForVisionText2Text(IdeficsConfig(**config)).double().eval()
        missing, unexpected = model.load_state_dict({key: value.double() for key, value in tensors.items()}, strict=False)
        assert not unexpected and (not missing or config["tie_word_embeddings"]), (missing, unexpected)
        if config["tie_word_embeddings"]:
            model.tie_weights()
            assert model.lm_head.weight is model.model.embed_tokens.weight, "not tied"
            additional = model.model.embed_tokens.additional_embedding.weight
            assert model.lm_head.additional_fc.weight is additional, "not tied"
        ids = list(prompt["ids"])
        if name == "an end token":
            ids[66] = 2
        mask = image_mask(ids, pixels.shape[1], 440, 2)
        if name != "an end token":
            assert mask[0].tolist() == prompt["imageAttention"]
        logits = run(model, ids, pixels, mask)
        if name == "golden":
            assert torch.allclose(logits.float(), expected["two.logits"], atol=1e-5)
            continue
        greedy, margins = [], []
        for _ in range(STEPS):
            longer = ids + greedy
            added = torch.cat([mask, mask[:, -1:].expand(-1, len(greedy), -1)], dim=1)
            last = run(model, longer, pixels, added)[-1]
            last[440] = -torch.inf
            best = last.topk(2)
            greedy.append(int(best.indices[0]))
            margins.append(float((best.values[0] - best.values[1]) / last[last.isfinite()].abs().max()))
        assert min(margins) > 1e-4, margins
        values = logits[ROWS][:, COLUMNS]
        written["variants"][name] = {
            "greedy": greedy,
            "logits": [[float(f"{value:.8g}") for value in row] for row in values.tolist()],
        }
        print(name, greedy, [round(margin, 4) for margin in margins])
    target = ROOT / "test/variants/gated.json"
    target.write_text(json.dumps(written) + "\n")
    print(target, target.stat().st_size)


main()
