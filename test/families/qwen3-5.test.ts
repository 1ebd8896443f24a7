/** Fields of Qwen3.5's config that no other family reads: defaults of its class, other spellings, refused values. */
import { describe, expect, test } from "vitest";
import { matchTensors } from "../../src/model/load/match.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal } from "../support/descriptions.ts";
import { entriesOf, type TensorList, tensorsOf } from "../support/tensor-list.ts";
import config from "./qwen3_5/Qwen3.5-0.8B/config.json" with { type: "json" };
import tensors from "./qwen3_5/Qwen3.5-0.8B/tensors.json" with { type: "json" };

const { text_config: text } = config;
const withText = (changes: object) => ({ ...config, text_config: { ...text, ...changes } });

describe("qwen3_5", () => {
  test("takes the defaults of its config class", () => {
    const { decoder, encoder, imageTokenId } = describeModel({
      "config.json": { model_type: "qwen3_5", vision_config: { out_hidden_size: 4096 } },
    });
    expect(decoder).toMatchObject({ width: 4096, vocabularySize: 248320, maxPositions: 32768, eps: 1e-6 });
    expect(decoder!.layers.length).toBe(32);
    expect(decoder!.layers.map(({ kind }) => kind === "delta")).toEqual(
      Array.from({ length: 32 }, (_, layer) => layer % 4 !== 3),
    );
    expect(decoder!.layers[0]).toMatchObject({
      delta: { keyHeads: 16, valueHeads: 32, keyWidth: 128, valueWidth: 128, taps: 4 },
      mlp: { width: 12288 },
    });
    expect(decoder!.layers[3]!.attention).toMatchObject({ heads: 16, keyHeads: 4, headWidth: 256, outputGate: true });
    expect(decoder!.rope.frequencies.length).toBe(32);
    expect(encoder).toMatchObject({ width: 1152, blocks: 27, heads: 16 });
    expect(imageTokenId).toBe(248056);
  });

  test("reads an encoder whose own model_type stands in its config", () => {
    const { vision_config: vision } = config;
    const named = { ...config, vision_config: { ...vision, model_type: "qwen3_5_vision" } };
    expect(describeModel({ "config.json": named }).encoder).toEqual(describeModel({ "config.json": config }).encoder);
  });

  test("turns pairs by row and column in turn, as far as their sections go", () => {
    const axes = describeModel({ "config.json": config }).decoder!.rope.axisOfPair!;
    expect(axes.slice(0, 6)).toEqual([0, 1, 2, 0, 1, 2]);
    expect([0, 1, 2].map((axis) => axes.filter((own) => own === axis).length)).toEqual([11, 11, 10]);
  });

  test("reads the layers from their interval where there is no list", () => {
    const layers = describeModel({
      "config.json": withText({ layer_types: undefined, full_attention_interval: 3, num_hidden_layers: 7 }),
    }).decoder!.layers;
    expect(layers.map(({ kind }) => (kind === "delta" ? "d" : "a")).join("")).toBe("ddaddad");
  });

  test("loads the decoder alone, and from a file with pictures", () => {
    const alone = describeModel({ "config.json": text });
    expect(alone).toMatchObject({ family: "qwen3_5_text", connector: [] });
    expect(alone.decoder!.rope.axisOfPair).toBeUndefined();
    const all = entriesOf(tensorsOf(tensors as TensorList));
    const { parts } = matchTensors(alone, all);
    expect(parts.length).toBe([...all.keys()].filter((name) => name.startsWith("model.language_model.")).length);
    // As transformers saves the decoder's own class.
    const renamed = [...all].flatMap(([name, entry]) => {
      const match = /^model\.language_model\.(.*)$/.exec(name);
      return match ? [[`model.${match[1]}`, { ...entry, name: `model.${match[1]}` }] as const] : [];
    });
    expect(matchTensors(alone, new Map(renamed)).parts.length).toBe(parts.length);
  });

  test.for<[string, object, RegExp]>([
    ["experts", { model_type: "qwen3_5_moe" }, /model_type is "qwen3_5_moe"; .*mixtures of experts/],
    ["experts alone", { model_type: "qwen3_5_moe_text" }, /"qwen3_5_moe_text"; .*mixtures of experts/],
    ["experts of the same layers", { model_type: "qwen3_next" }, /"qwen3_next"; .*mixtures of experts/],
    ["experts by number", withText({ num_experts: 8 }), /text_config\.num_experts is 8; supported: 0/],
    ["attention without a gate", withText({ attn_output_gate: false }), /attn_output_gate is false/],
    ["another kind of layer", withText({ layer_types: ["conv"] }), /layer_types is a list of 1; .*24 layers/],
    [
      "heads that share unevenly",
      withText({ linear_num_value_heads: 24 }),
      /linear_num_value_heads is 24; .*multiple of/,
    ],
    ["keys too wide", withText({ linear_key_head_dim: 512 }), /linear_key_head_dim is 512; .*256/],
    ["no taps", withText({ linear_conv_kernel_dim: 0 }), /linear_conv_kernel_dim is 0/],
    ["an interval of 0", withText({ layer_types: null, full_attention_interval: 0 }), /full_attention_interval is 0/],
    ["biases", withText({ attention_bias: true }), /attention_bias is true/],
    [
      "taps of the encoder",
      { ...config, vision_config: { ...config.vision_config, deepstack_visual_indexes: [3] } },
      /deepstack_visual_indexes is a list of 1/,
    ],
    [
      "another width",
      { ...config, vision_config: { ...config.vision_config, out_hidden_size: 2048 } },
      /out_hidden_size is 2048; supported: 1024/,
    ],
  ])("refuses %s", ([, given, reason]) => {
    expect(configRefusal(given)).toMatch(reason);
  });
});
