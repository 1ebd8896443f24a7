/** The decoder's fields of config.json: defaults, fields with several forms, and values that must be refused by name. */
import { describe, expect, it } from "vitest";
import type { DecoderSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import tinyLlama from "./llama/TinyLlama-1.1B-Chat-v1.0/config.json" with { type: "json" };
import llava7b from "./llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import qwen2 from "./qwen2/Qwen2-0.5B-Instruct/config.json" with { type: "json" };

function decoderOf(config: object): DecoderSpec {
  return describeModel({ "config.json": config }).decoder!;
}

/** The base of its RoPE: as many times slower would the pair after the last turn as the first. */
function baseOf({ rope: { frequencies } }: DecoderSpec): number {
  return (frequencies[0]! / frequencies[1]!) ** frequencies.length;
}

const attentionOf = (config: object) => decoderOf(config).layers[0]!.attention!;

describe("defaults of the config classes", () => {
  it("llama", () => {
    const decoder = decoderOf({ model_type: "llama" });
    expect(decoder).toMatchObject({ width: 4096, vocabularySize: 32000, eps: 1e-6, maxPositions: 2048 });
    expect(decoder).toMatchObject({ bosId: 1, eosIds: [2] });
    expect(baseOf(decoder)).toBeCloseTo(10000, 8);
    expect(decoder.layers).toHaveLength(32);
    expect(decoder.layers[31]).toEqual({
      kind: "attention",
      attention: { heads: 32, keyHeads: 32, headWidth: 128, qkvBias: false },
      mlp: { width: 11008 },
    });
  });

  it("qwen2", () => {
    const decoder = decoderOf({ model_type: "qwen2" });
    expect(decoder).toMatchObject({ width: 4096, vocabularySize: 151936, eps: 1e-6, maxPositions: 32768 });
    expect(decoder).toMatchObject({ eosIds: [] });
    expect(baseOf(decoder)).toBeCloseTo(10000, 8);
    expect(decoder.bosId).toBeUndefined();
    expect(decoder.layers).toHaveLength(32);
    expect(decoder.layers[31]).toEqual({
      kind: "attention",
      attention: { heads: 32, keyHeads: 32, headWidth: 128, qkvBias: true },
      mlp: { width: 22016 },
    });
  });
});

describe("fields with several forms", () => {
  it.each([
    [{ rope_parameters: { rope_theta: 5e5, rope_type: "default" } }, 5e5],
    [{ rope_theta: 2e4 }, 2e4],
    [{ rope_theta: 2e4, rope_parameters: { rope_theta: 3e4 } }, 3e4],
    [{ rope_scaling: { type: "default" }, rope_theta: 2e4 }, 2e4],
  ])("RoPE base of %j", (fields, theta) => {
    const json = { ...having(tinyLlama, { rope_theta: undefined, rope_scaling: undefined }), ...fields };
    expect(baseOf(decoderOf(json))).toBeCloseTo(theta, 6);
  });

  it.each([
    [2, [2]],
    [
      [2, 7, 2],
      [2, 7],
    ],
    [null, []],
    [undefined, [2]],
  ])("end ids %j", (eos_token_id, expected) => {
    expect(decoderOf(having(tinyLlama, { eos_token_id })).eosIds).toEqual(expected);
  });

  it("no start id where it is null, Llama's where it is missing", () => {
    expect(decoderOf(having(tinyLlama, { bos_token_id: null })).bosId).toBeUndefined();
    expect(decoderOf(having(tinyLlama, { bos_token_id: undefined })).bosId).toBe(1);
    expect(decoderOf(having(tinyLlama, { bos_token_id: -1 })).bosId).toBeUndefined();
    expect(decoderOf(having(tinyLlama, { bos_token_id: [1, 5] })).bosId).toBe(1);
    expect(decoderOf(having(tinyLlama, { eos_token_id: -1 })).eosIds).toEqual([]);
    expect(decoderOf(having(tinyLlama, { eos_token_id: [2, -1, 7, 2] })).eosIds).toEqual([2, 7]);
  });

  it("takes a head_dim beside the width, and key heads by default", () => {
    expect(attentionOf(having(tinyLlama, { head_dim: 32 })).headWidth).toBe(32);
    expect(attentionOf(having(tinyLlama, { num_key_value_heads: null })).keyHeads).toBe(32);
    expect(attentionOf({ model_type: "qwen2", num_attention_heads: 64 }).keyHeads).toBe(32);
    expect(attentionOf(having(qwen2, { num_key_value_heads: undefined })).keyHeads).toBe(14);
  });

  it.each([
    { sliding_window: 32768, max_window_layers: 12 },
    { sliding_window: null },
    { sliding_window: 64, max_window_layers: 24 },
    { sliding_window: 64, layer_types: Array(24).fill("full_attention") },
  ])("a sliding window that narrows nothing: %o", (fields) => {
    expect(decoderOf(having(qwen2, { use_sliding_window: true, ...fields })).layers).toHaveLength(24);
  });
});

describe("windows, and which layers have them", () => {
  const windowsOf = (config: object) => decoderOf(config).layers.map(({ attention }) => attention?.window);
  const every = (layers: number, has: (layer: number) => boolean, window: number) =>
    Array.from({ length: layers }, (_, layer) => (has(layer) ? window : undefined));

  it.each<[string, object, (number | undefined)[]]>([
    [
      "qwen2 from max_window_layers on",
      having(qwen2, { use_sliding_window: true, sliding_window: 64, max_window_layers: 20 }),
      every(24, (layer) => layer >= 20, 64),
    ],
    [
      "qwen2 by layer types",
      having(qwen2, {
        use_sliding_window: true,
        sliding_window: 64,
        layer_types: Array.from({ length: 24 }, (_, i) => (i % 3 ? "sliding_attention" : "full_attention")),
      }),
      every(24, (layer) => layer % 3 > 0, 64),
    ],
    ["mistral by class default", { model_type: "mistral" }, every(32, () => true, 4096)],
    ["mistral without one", { model_type: "mistral", sliding_window: null }, every(32, () => false, 0)],
    ["phi3 by class default", { model_type: "phi3" }, every(32, () => false, 0)],
    ["gemma2 in even layers", { model_type: "gemma2" }, every(26, (layer) => layer % 2 === 0, 4096)],
    ["gemma3 but in every sixth", { model_type: "gemma3_text" }, every(26, (layer) => layer % 6 !== 5, 4096)],
    [
      "gemma3 with a width but no layers of that kind",
      { model_type: "gemma3_text", sliding_window: 512, layer_types: Array(26).fill("full_attention") },
      every(26, () => false, 0),
    ],
    [
      "gemma3 by another pattern",
      { model_type: "gemma3_text", sliding_window_pattern: 3, sliding_window: 9 },
      every(26, (layer) => layer % 3 !== 2, 9),
    ],
  ])("%s", (_, config, expected) => {
    expect(windowsOf(config)).toEqual(expected);
  });

  it("the RoPE of layers with a window, in both spellings", () => {
    const old = decoderOf({ model_type: "gemma3_text", rope_scaling: { rope_type: "linear", factor: 8 } });
    const spelled = decoderOf({
      model_type: "gemma3_text",
      rope_parameters: {
        full_attention: { rope_type: "linear", factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: "default", rope_theta: 1e4 },
      },
    });
    expect(spelled.rope).toEqual(old.rope);
    expect(old.rope.frequencies[0]).toBe(1 / 8);
    for (const { layers } of [old, spelled]) {
      expect(layers[0]!.attention!.rope!.frequencies[1]).toBeCloseTo(1e4 ** (-2 / 256), 12);
      expect(layers[5]!.attention!.rope).toBeUndefined();
    }
  });
});

describe("refused, with the field and what is supported", () => {
  it.each<[string, object, Record<string, unknown>, RegExp]>([
    [
      "a negative width",
      llava7b,
      { "text_config.hidden_size": -4096 },
      /text_config\.hidden_size is -4096; .*from 1 to/,
    ],
    ["a fractional width", tinyLlama, { hidden_size: 2048.5 }, /hidden_size is 2048\.5/],
    ["a huge width", tinyLlama, { hidden_size: 2 ** 53 }, /hidden_size is 9007199254740992/],
    ["an infinite width", tinyLlama, { hidden_size: JSON.parse("1e999") }, /hidden_size is Infinity/],
    ["a width as string", tinyLlama, { hidden_size: "2048" }, /hidden_size is "2048"/],
    ["no layers", tinyLlama, { num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    ["many layers", tinyLlama, { num_hidden_layers: 1e9 }, /num_hidden_layers is 1000000000/],
    ["no heads", tinyLlama, { num_attention_heads: 0 }, /num_attention_heads is 0/],
    [
      "heads that do not divide",
      tinyLlama,
      { num_attention_heads: 33 },
      /num_attention_heads is 33; .*hidden_size 2048/,
    ],
    ["key heads that do not divide", tinyLlama, { num_key_value_heads: 5 }, /num_key_value_heads is 5; .*32/],
    ["more key heads than heads", tinyLlama, { num_key_value_heads: 64 }, /num_key_value_heads is 64/],
    ["an odd head width", tinyLlama, { head_dim: 65 }, /head_dim is 65; .*even/],
    ["a wide head", tinyLlama, { head_dim: 512 }, /head_dim is 512; .*256/],
    [
      "wide heads by division",
      tinyLlama,
      { num_attention_heads: 4, num_key_value_heads: 4 },
      /num_attention_heads is 4; .*512 wide/,
    ],
    ["a vocabulary of nothing", tinyLlama, { vocab_size: 0 }, /vocab_size is 0/],
    ["a huge vocabulary", tinyLlama, { vocab_size: 2 ** 31 }, /vocab_size is 2147483648/],
    ["a huge context", tinyLlama, { max_position_embeddings: 1e12 }, /max_position_embeddings is/],
    ["an epsilon of zero", tinyLlama, { rms_norm_eps: 0 }, /rms_norm_eps is 0/],
    ["an epsilon as string", tinyLlama, { rms_norm_eps: "1e-5" }, /rms_norm_eps is "1e-5"/],
    ["a RoPE base below 1", tinyLlama, { rope_theta: 0 }, /rope_theta is 0/],
    [
      "another method of RoPE",
      tinyLlama,
      { rope_scaling: { type: "xpos", factor: 2 } },
      /rope_scaling\.type is "xpos"; supported: default, linear, dynamic, yarn, llama3, longrope, su/,
    ],
    [
      "a method as list",
      tinyLlama,
      { rope_scaling: { rope_type: ["yarn"] } },
      /rope_scaling\.rope_type is a list of 1/,
    ],
    ["a prototype's name as method", tinyLlama, { rope_scaling: { type: "valueOf" } }, /type is "valueOf"/],
    [
      "linear RoPE without a factor",
      tinyLlama,
      { rope_scaling: { type: "linear" } },
      /rope_scaling\.factor is missing/,
    ],
    ["a factor below 1", tinyLlama, { rope_scaling: { type: "linear", factor: 0 } }, /factor is 0; .* from 1 to/],
    ["a factor as string", tinyLlama, { rope_scaling: { type: "dynamic", factor: "2" } }, /factor is "2"/],
    [
      "an infinite factor",
      tinyLlama,
      { rope_scaling: { type: "yarn", factor: JSON.parse("1e999") } },
      /factor is Infinity/,
    ],
    [
      "Llama 3's RoPE without its bounds",
      tinyLlama,
      { rope_scaling: { rope_type: "llama3", factor: 8 } },
      /rope_scaling\.low_freq_factor is missing; supported: a number from/,
    ],
    [
      "Llama 3's RoPE with bounds in the wrong order",
      tinyLlama,
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      /rope_scaling\.high_freq_factor is 4; supported: a number above low_freq_factor 4/,
    ],
    [
      "an original context of nothing",
      qwen2,
      { rope_parameters: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 0 } },
      /rope_parameters\.original_max_position_embeddings is 0/,
    ],
    [
      "a fractional original context beside",
      qwen2,
      { original_max_position_embeddings: 64.5, rope_scaling: { type: "yarn", factor: 4 } },
      /config\.json: original_max_position_embeddings is 64\.5/,
    ],
    [
      "YaRN's bounds in the wrong order",
      qwen2,
      { rope_parameters: { rope_type: "yarn", factor: 4, beta_slow: 33 } },
      /beta_fast is missing; supported: a number of at least beta_slow 33/,
    ],
    [
      "an attention factor of 0",
      qwen2,
      { rope_parameters: { rope_type: "yarn", factor: 4, attention_factor: 0 } },
      /attention_factor is 0/,
    ],
    ["a negative mscale", qwen2, { rope_parameters: { rope_type: "yarn", factor: 4, mscale: -1 } }, /mscale is -1/],
    ["truncate as number", qwen2, { rope_parameters: { rope_type: "yarn", factor: 4, truncate: 1 } }, /truncate is 1/],
    [
      "no factors of longrope",
      tinyLlama,
      { rope_scaling: { type: "longrope", short_factor: Array(32).fill(1) } },
      /rope_scaling\.long_factor is missing; supported: a list of 32 numbers/,
    ],
    [
      "too few factors of longrope",
      tinyLlama,
      { rope_scaling: { type: "longrope", short_factor: [1, 2], long_factor: Array(32).fill(1) } },
      /rope_scaling\.short_factor is a list of 2; supported: a list of 32 numbers/,
    ],
    [
      "a factor of 0 in longrope",
      tinyLlama,
      { rope_scaling: { type: "su", short_factor: Array(32).fill(1), long_factor: [...Array(31).fill(1), 0] } },
      /rope_scaling\.long_factor is a list of 32; supported: a list of 32 numbers from 1e-3/,
    ],
    ["a base of 1 in v5", qwen2, { rope_parameters: { rope_theta: 1 } }, /rope_parameters\.rope_theta is 1; .* from 2/],
    [
      "sections of RoPE",
      qwen2,
      { rope_scaling: { type: "default", mrope_section: [1, 2, 3] } },
      /rope_scaling\.mrope_section is a list of 3/,
    ],
    [
      "partial RoPE in v5",
      qwen2,
      { rope_parameters: { partial_rotary_factor: 0.5 } },
      /rope_parameters\.partial_rotary_factor is 0\.5; supported: 1$/,
    ],
    [
      "RoPE by layer type",
      qwen2,
      { rope_parameters: { full_attention: { rope_theta: 1 } } },
      /rope_parameters\.full_attention is an object/,
    ],
    ["partial RoPE", qwen2, { partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0\.5; supported: 1$/],
    ["rope_scaling as a string", tinyLlama, { rope_scaling: "linear" }, /rope_scaling is "linear"/],
    ["an empty window", qwen2, { use_sliding_window: true, sliding_window: 0 }, /sliding_window is 0/],
    [
      "types of too few layers",
      qwen2,
      { use_sliding_window: true, sliding_window: 4096, layer_types: ["sliding_attention"] },
      /layer_types is a list of 1; .*24 layers/,
    ],
    ["interleaved positions", qwen2, { use_mrope: true }, /use_mrope is true; supported: false/],
    ["biases on Llama's attention", tinyLlama, { attention_bias: true }, /attention_bias is true/],
    ["biases on Llama's MLP", tinyLlama, { mlp_bias: true }, /mlp_bias is true/],
    ["a bias flag as string", tinyLlama, { attention_bias: "no" }, /attention_bias is "no"/],
    ["another activation", tinyLlama, { hidden_act: "relu6" }, /hidden_act is "relu6"; supported: .*silu, swish/],
    ["a start id as string", tinyLlama, { bos_token_id: "<s>" }, /bos_token_id is "<s>"; supported: an id from 0/],
    ["an end id as string", tinyLlama, { eos_token_id: "</s>" }, /eos_token_id is "<\/s>"/],
    ["end ids of other kinds", tinyLlama, { eos_token_id: [2, -2] }, /eos_token_id is a list of 2/],
    ["a flag as number", tinyLlama, { tie_word_embeddings: 1 }, /tie_word_embeddings is 1; supported: true or false/],
  ])("%s", (_, json, changes, message) => {
    expect(configRefusal(having(json, changes))).toMatch(message);
  });
});
