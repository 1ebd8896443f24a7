/** The message about tensors that do not fit: each kind of problem, with the tensor and what was expected. */
import { describe, expect, it } from "vitest";
import { matchTensors } from "../../../src/model/load/match.ts";
import type { ModelSpec } from "../../../src/spec/model-spec.ts";
import type { StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";
import { describeModel } from "../../support/describe-model.ts";
import { refusalOf } from "../../support/descriptions.ts";
import { LLAVA_LAYOUTS, smallLlava, smallLlavaTensors, smallSiglipLlava } from "../../support/small-models.ts";
import { entriesOf, tensorsOf } from "../../support/tensor-list.ts";

const clip = describeModel({ "config.json": smallLlava });
const siglip = describeModel({ "config.json": smallSiglipLlava });
const shapes = tensorsOf(smallLlavaTensors);

/** The small checkpoint, changed: a shape sets a tensor, undefined removes it. */
function changed(changes: Record<string, number[] | undefined>): Map<string, StoredTensor> {
  const all = new Map(shapes);
  for (const [name, shape] of Object.entries(changes)) {
    if (shape) all.set(name, shape);
    else all.delete(name);
  }
  return entriesOf(all);
}

function refusal(spec: ModelSpec, tensors: ReadonlyMap<string, StoredTensor>): string {
  return refusalOf(() => matchTensors(spec, tensors), "bad-weights");
}

describe("refused, with the tensor and what was expected", () => {
  const decoder = "language_model.model.";
  const encoder = "vision_tower.vision_model.";
  it.each<[string, Record<string, number[] | undefined>, RegExp]>([
    [
      "a missing layer norm",
      { [`${decoder}layers.1.input_layernorm.weight`]: undefined },
      /missing: "language_model\.model\.layers\.1\.input_layernorm\.weight" of shape \[16\]/,
    ],
    [
      "a missing part of a fused tensor",
      { [`${decoder}layers.0.mlp.up_proj.weight`]: undefined },
      /missing: "language_model\.model\.layers\.0\.mlp\.up_proj\.weight" of shape \[24, 16\]/,
    ],
    [
      "a missing head",
      { "language_model.lm_head.weight": undefined },
      /missing: "language_model\.lm_head\.weight" of shape \[30, 16\]/,
    ],
    [
      "a missing class token",
      { [`${encoder}embeddings.class_embedding`]: undefined },
      /missing: ".*class_embedding" of shape \[8\]/,
    ],
    [
      "a missing projector bias",
      { "multi_modal_projector.linear_2.bias": undefined },
      /missing: "multi_modal_projector\.linear_2\.bias"/,
    ],
    [
      "too few rows of vocabulary",
      { [`${decoder}embed_tokens.weight`]: [29, 16] },
      /embed_tokens\.weight" in model\.safetensors is \[29, 16\], expected \[30, 16\]/,
    ],
    [
      "a padded head only",
      { "language_model.lm_head.weight": [64, 16] },
      /lm_head\.weight" in model\.safetensors is \[64, 16\], expected \[30, 16\]/,
    ],
    [
      "a transposed matrix",
      { [`${decoder}layers.0.mlp.gate_proj.weight`]: [16, 24] },
      /gate_proj\.weight" .* is \[16, 24\], expected \[24, 16\]/,
    ],
    [
      "positions of another picture size",
      { [`${encoder}embeddings.position_embedding.weight`]: [17, 8] },
      /position_embedding\.weight" .* is \[17, 8\], expected \[10, 8\]/,
    ],
    [
      "a patch matrix already flat",
      { [`${encoder}embeddings.patch_embedding.weight`]: [8, 48] },
      /patch_embedding\.weight" .* is \[8, 48\], expected \[8, 3, 4, 4\]/,
    ],
    ["a scalar", { [`${decoder}norm.weight`]: [] }, /norm\.weight" .* is \[\], expected \[16\]/],
    ["a dimension of 0", { [`${decoder}norm.weight`]: [0] }, /norm\.weight" .* is \[0\], expected \[16\]/],
    [
      "a dimension of 1 at the end",
      { [`${decoder}norm.weight`]: [16, 1] },
      /norm\.weight" .* is \[16, 1\], expected \[16\]/,
    ],
    [
      "a typing error",
      { [`${decoder}layers.0.mlp.upp_proj.weight`]: [24, 16] },
      /unknown: ".*upp_proj\.weight" in model\.safetensors \(like "language_model\.model\.layers\.0\.mlp\.up_proj\.weight"\)/,
    ],
    [
      "an adapter",
      { "base_model.lora_A.weight": [8, 16] },
      /unknown: "base_model\.lora_A\.weight" in model\.safetensors\. Check/,
    ],
    [
      "a layer after the last",
      { [`${decoder}layers.2.input_layernorm.weight`]: [16] },
      /unknown: ".*layers\.2\.input_layernorm\.weight"/,
    ],
    [
      "a block that the config does not count",
      { [`${encoder}encoder.layers.3.layer_norm1.bias`]: [8] },
      /unknown: ".*encoder\.layers\.3\.layer_norm1\.bias"/,
    ],
    [
      "a block without a number",
      { [`${encoder}encoder.layers.x.layer_norm1.bias`]: [8] },
      /unknown: ".*encoder\.layers\.x\.layer_norm1\.bias"/,
    ],
    ["a Qwen2 bias in a Llama", { [`${decoder}layers.0.self_attn.q_proj.bias`]: [16] }, /unknown: ".*q_proj\.bias"/],
    [
      "SigLIP's patch bias in a CLIP",
      { [`${encoder}embeddings.patch_embedding.bias`]: [8] },
      /unknown: ".*patch_embedding\.bias"/,
    ],
    ["a tensor without a name", { "": [3] }, /unknown: "" in model\.safetensors/],
    ["a name of Object.prototype", { constructor: [3] }, /unknown: "constructor"/],
    [
      "a lookalike of an ignored name",
      { "model.image_newline.weight": [3] },
      /unknown: "model\.image_newline\.weight"/,
    ],
    [
      "a lookalike of an unused norm",
      { [`${encoder}post_layernorm.extra.weight`]: [8] },
      /unknown: ".*post_layernorm\.extra\.weight"/,
    ],
    [
      "one tensor in two layouts",
      { "model.norm.weight": [16] },
      /two names: "language_model\.model\.norm\.weight" and "model\.norm\.weight"/,
    ],
    [
      "the head in two layouts",
      { "lm_head.weight": [30, 16] },
      /two names: "language_model\.lm_head\.weight" and "lm_head\.weight"/,
    ],
    [
      "an encoder tensor with and without its level",
      { "vision_tower.pre_layrnorm.bias": [8] },
      /two names: "vision_tower\.vision_model\.pre_layrnorm\.bias" and "vision_tower\.pre_layrnorm\.bias"/,
    ],
  ])("%s", (_, changes, message) => {
    expect(refusal(clip, changed(changes))).toMatch(message);
  });

  it.each(["I8", "U8", "F8_E4M3", "F64", "I32"] as const)("a wanted tensor of %s", (dtype) => {
    const tensors = entriesOf(shapes);
    const name = `${decoder}layers.1.self_attn.o_proj.weight`;
    tensors.set(name, { ...tensors.get(name)!, encoding: { id: dtype, dtype } });
    expect(refusal(clip, tensors)).toContain(`"${name}" in model.safetensors is ${dtype}, expected F32, F16 or BF16`);
  });

  it("an empty checkpoint, an encoder of another family, a decoder of another kind", () => {
    expect(refusal(clip, new Map())).toMatch(/missing: .*class_embedding.*, and \d+ more/);
    expect(refusal(siglip, entriesOf(shapes))).toMatch(/missing: .*unknown: /);
    const llama = describeModel({ "config.json": smallLlava.text_config });
    expect(refusal(llama, entriesOf(shapes))).toMatch(/missing: "model\.embed_tokens\.weight"/);
  });

  it("names a missing tensor as this file's layout would", () => {
    for (const rename of Object.values(LLAVA_LAYOUTS)) {
      const name = `${decoder}layers.1.mlp.down_proj.weight`;
      const tensors = entriesOf(shapes.map(([name, shape]) => [rename(name), shape]));
      tensors.delete(rename(name));
      expect(refusal(clip, tensors)).toContain(`missing: ${JSON.stringify(rename(name))} of shape [16, 24]`);
    }
  });

  it("reports every kind at once, a few of each, cut to a readable length", () => {
    const strangers = Array.from({ length: 1000 }, (_, i) => [`${"x".repeat(5000)}${i}`, [1]] as const);
    const tensors = changed({
      [`${decoder}norm.weight`]: [3],
      "lm_head.weight": [30, 16],
      ...Object.fromEntries(strangers),
    });
    const message = refusal(clip, tensors);
    expect(message).toMatch(/two names: .*another shape: .*unknown: .*, and 997 more/);
    expect(message.length).toBeLessThan(1500);
  });
});
