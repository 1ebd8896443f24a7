/** The first IDEFICS: defaults of its class, other layouts of its tensors, and what is refused. */
import { describe, expect, it } from "vitest";
import { matchTensors } from "../../src/model/load/match.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import { entriesOf, type TensorList, tensorsOf, unfilled } from "../support/tensor-list.ts";
import published from "./idefics/idefics-9b-instruct/config.json" with { type: "json" };
import processor from "./idefics/idefics-9b-instruct/preprocessor_config.json" with { type: "json" };
import tensors from "./idefics/idefics-9b-instruct/tensors.json" with { type: "json" };

const describeConfig = (config: object) => describeModel({ "config.json": config });

it("a config without fields means the defaults of the class", () => {
  const { encoder, decoder, connector, imageTokenId, fallbackPrompt, endTokens } = describeConfig({
    model_type: "idefics",
    additional_vocab_size: 2,
  });
  expect(encoder).toMatchObject({ width: 768, heads: 16, blocks: 32, mlp: { width: 5120, activation: "gelu" } });
  expect(decoder!.layers).toHaveLength(64);
  expect(decoder!.layers[0]).toMatchObject({ kind: "cross", gates: "one", cross: { heads: 32, headWidth: 128 } });
  expect(decoder!.layers[0]!.cross).not.toHaveProperty("qkNorm");
  expect(decoder!.layers[1]!.kind).toBe("attention");
  expect(decoder).toMatchObject({ vocabularySize: 32002, beside: { width: 768, endId: 2 } });
  // Without a resampler the decoder reads the features themselves.
  expect(connector).toEqual([]);
  expect(imageTokenId).toBe(32001);
  // A base model has no token that ends a turn.
  expect(fallbackPrompt).toEqual({
    ...{ speaker: "User:", answerer: "Assistant:" },
    around: "<fake_token_around_image>",
  });
  expect(endTokens).toBeUndefined();
});

describe("layouts", () => {
  const list = tensors as TensorList;
  const inner = list["model."] as Record<string, TensorList>;
  const match = (changes: Record<string, unknown>, changed: TensorList) =>
    matchTensors(describeConfig(having(published, changes)), entriesOf(tensorsOf(changed)));
  const without = (part: string, names: readonly string[]) => ({
    ...list,
    "model.": {
      ...inner,
      [part]: Object.fromEntries(Object.entries(inner[part]!).filter(([name]) => !names.includes(name))),
    },
  });

  it.each<[string, Record<string, unknown>, TensorList]>([
    [
      "no resampler",
      { use_resampler: false },
      { ...list, "model.": { ...inner, "perceiver_resampler.": {} } } as TensorList,
    ],
    [
      "no norms in cross-attention",
      { qk_layer_norms: false },
      without("gated_cross_attn_layers.{0..7}.", ["cross_attn.{q,k}_layer_norm.weight"]),
    ],
    [
      "no norms in the resampler",
      { "perceiver_config.qk_layer_norms_perceiver": false },
      {
        ...list,
        "model.": {
          ...inner,
          "perceiver_resampler.": {
            ...inner["perceiver_resampler."],
            "blocks.{0..5}.": Object.fromEntries(
              Object.entries((inner["perceiver_resampler."] as Record<string, object>)["blocks.{0..5}."]!).filter(
                ([name]) => !name.startsWith("0.{q,k}_layer_norm"),
              ),
            ),
          },
        },
      } as TensorList,
    ],
    [
      "a gate a channel",
      { alpha_type: "vector" },
      {
        ...list,
        "model.": {
          ...inner,
          "gated_cross_attn_layers.{0..7}.": {
            ...inner["gated_cross_attn_layers.{0..7}."],
            alpha_cross_attn: [1, 1, 4096],
            alpha_dense: [1, 1, 4096],
          },
        },
      } as TensorList,
    ],
    [
      "what is frozen makes no difference",
      {
        freeze_text_layers: true,
        freeze_vision_layers: true,
        freeze_lm_head: true,
        freeze_text_module_exceptions: ["norm"],
        dropout: 0.1,
      },
      list,
    ],
  ])("%s", (_, changes, changed) => {
    const matched = match(changes, changed);
    expect(unfilled(matched)).toEqual([]);
    // Of the file nothing is left but the norm after the encoder, and frequencies.
    expect(entriesOf(tensorsOf(changed)).size - matched.parts.length).toBe(42);
  });

  it("a head that is tied, whether the file holds it or not", () => {
    const { "lm_head.weight": _, "lm_head.additional_fc.weight": __, ...tied } = list;
    for (const changed of [tied, list]) {
      const { aliases, parts } = match({ tie_word_embeddings: true }, changed as TensorList);
      expect(aliases.get("decoder.head")).toBe("decoder.embed");
      const embed = parts.filter(({ tensor }) => tensor.name === "decoder.embed");
      expect(embed.map(({ to }) => to)).toEqual([0, 32000]);
    }
  });

  it("the last rows of the vocabulary are the additional ones", () => {
    const rows = (name: string) =>
      match({}, list).parts.flatMap(({ tensor, entry, to }) => (tensor.name === name ? [[entry.name, to]] : []));
    expect(rows("decoder.embed")).toEqual([
      ["model.embed_tokens.weight", 0],
      ["model.embed_tokens.additional_embedding.weight", 32000],
    ]);
    expect(rows("decoder.head")).toEqual([
      ["lm_head.weight", 0],
      ["lm_head.additional_fc.weight", 32000],
    ]);
  });

  it("gated layers stand before every so many others, and are counted by themselves", () => {
    for (const interval of [1, 8, 32]) {
      const { decoder, tensors: wanted } = describeConfig(having(published, { cross_layer_interval: interval }));
      const kinds = decoder!.layers.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "cross")).toHaveLength(32 / interval);
      expect(kinds.slice(0, 2)).toEqual(["cross", "attention"]);
      const names = wanted.flatMap(({ name, parts }) =>
        /norm1/.test(name) && /decoder\.layers/.test(name) ? parts[0]!.names[0] : [],
      );
      expect(names[0]).toBe("model.gated_cross_attn_layers.0.input_layernorm.weight");
      expect(names.at(-1)).toBe("model.layers.31.input_layernorm.weight");
    }
  });
});

it.each<[Record<string, unknown>, RegExp]>([
  [{ additional_vocab_size: 0 }, /additional_vocab_size is 0; supported: at least 2/],
  [{ additional_vocab_size: -1 }, /additional_vocab_size is -1/],
  [{ additional_vocab_size: 1e9 }, /additional_vocab_size/],
  [{ cross_layer_interval: 0 }, /cross_layer_interval is 0/],
  [{ cross_layer_interval: 5 }, /cross_layer_interval is 5; supported: a divisor of num_hidden_layers 32/],
  [{ cross_layer_interval: "4" }, /cross_layer_interval/],
  [{ alpha_type: "matrix" }, /alpha_type is "matrix"; supported: float, vector/],
  [{ alpha_type: null, qk_layer_norms: "yes" }, /qk_layer_norms is "yes"/],
  [{ use_resampler: 1 }, /use_resampler is 1/],
  [{ perceiver_config: [] }, /perceiver_config is a list/],
  [{ "perceiver_config.resampler_head_dim": 4096 }, /perceiver_config\.resampler_head_dim is 4096/],
  [{ "perceiver_config.resampler_n_heads": 0 }, /resampler_n_heads is 0/],
  [{ "perceiver_config.resampler_n_latents": 1e6 }, /resampler_n_latents/],
  [{ "perceiver_config.resampler_depth": 1.5 }, /resampler_depth is 1.5/],
  [{ "perceiver_config.qk_layer_norms_perceiver": 0 }, /qk_layer_norms_perceiver is 0/],
  [{ "vision_config.embed_dim": 1281 }, /num_attention_heads is 16; supported: a divisor of hidden_size 1281/],
  [{ "vision_config.image_size": [224, 336] }, /vision_config\.image_size/],
  [{ hidden_size: 4100 }, /num_attention_heads/],
  [{ vocab_size: 2 ** 31 }, /vocab_size/],
])("%j is refused", (changes, message) => {
  expect(configRefusal(having(published, changes))).toMatch(message);
});

it.each<[Record<string, unknown>, RegExp]>([
  [{ image_size: 448 }, /size is 448, but config\.json's encoder reads 224 x 224/],
  [{ image_size: "large" }, /size is "large"/],
  [{ image_num_channels: 1 }, /image_num_channels is 1/],
  [{ image_processor_type: "FuyuImageProcessor" }, /image_processor_type/],
])("a processor with %j is refused", (changes, message) => {
  const files = { "config.json": published, "preprocessor_config.json": having(processor, changes) };
  expect(refusalOf(() => describeModel(files))).toMatch(message);
});

it("sides may be lists of two equal ones, and the width of the encoder may have its other name", () => {
  const { embed_dim, ...vision } = published.vision_config;
  const vision_config = { ...vision, hidden_size: embed_dim, image_size: [224, 224], patch_size: [14, 14] };
  expect(describeConfig({ ...published, vision_config }).encoder).toEqual(describeConfig(published).encoder);
});
