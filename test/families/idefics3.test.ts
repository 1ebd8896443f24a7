/** Idefics3's and SmolVLM's fields of config.json: defaults, remains of training, and values that must be refused by name. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import { smallTiled as small } from "../support/small-models.ts";
import published from "./idefics3/SmolVLM-256M-Instruct/config.json" with { type: "json" };
import second from "./smolvlm/SmolVLM2-256M-Video-Instruct/config.json" with { type: "json" };

const specOf = (config: object) => describeModel({ "config.json": config });

describe("defaults", () => {
  it("of the config classes", () => {
    const spec = specOf({ model_type: "smolvlm", vision_config: { image_size: 448 } });
    expect(spec).toMatchObject({ family: "smolvlm", imageTokenId: 128257 });
    expect(spec.encoder).toMatchObject({ cell: 2, postNorm: true, keepClassToken: false, width: 1152, blocks: 12 });
    expect(spec.decoder).toMatchObject({ width: 4096, vocabularySize: 32000, eps: 1e-6 });
    expect(spec.connector).toEqual([
      { op: "fold", factor: 2 },
      { op: "linear", slot: "connector.1", width: 4096, activation: "none" },
    ]);
    expect(spec.tensors.find(({ name }) => name === "connector.1.weight")!.shape).toEqual([4096, 4 * 1152]);
    expect(spec.fallbackPrompt).toBeUndefined();
  });
});

describe("both model types", () => {
  it.each([undefined, "idefics3", "idefics3_vision", "smolvlm_vision", "siglip_vision_model", 5])(
    "an encoder of type %j is the outer type's",
    (type) => {
      for (const [family, config] of Object.entries({ idefics3: published, smolvlm: second })) {
        const spec = specOf(having(config, { "vision_config.model_type": type }));
        expect(spec).toMatchObject({ family, encoder: { width: 768, blocks: 12, cell: 4 } });
      }
    },
  );

  it("remains of training change nothing", () => {
    const plain = JSON.stringify(specOf(small));
    const remains = {
      image_seq_len: 7,
      vocab_size: 5,
      pad_token_id: 128002,
      perceiver_config: { resampler_depth: 6 },
      "text_config.perceiver_config": { num_key_value_heads: 1, hidden_act: "relu" },
      "text_config.pixel_shuffle_factor": 9,
      "text_config.qk_layer_norms": false,
      "text_config.rope_interleaved": false,
      "text_config.use_resampler": false,
      "vision_config.max_image_size": { longest_edge: 5 },
      "vision_config.size": { longest_edge: 5 },
    };
    expect(JSON.stringify(specOf(having(small, remains)))).toBe(plain);
  });
});

describe("refused, with the field and what is supported", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      "cells that do not divide the grid",
      { scale_factor: 3 },
      /scale_factor is 3; supported: a divisor of the 8 patches/,
    ],
    ["cells beyond the grid", { scale_factor: 16 }, /scale_factor is 16; .*from 1 to 8/],
    ["no cells", { scale_factor: 0 }, /scale_factor is 0/],
    ["cells of a fraction", { scale_factor: 2.5 }, /scale_factor is 2\.5/],
    ["cells as string", { scale_factor: "2" }, /scale_factor is "2"/],
    [
      "the class's cells in an odd grid",
      { scale_factor: undefined, "vision_config.patch_size": 6 },
      /scale_factor is missing; .*5 patches/,
    ],
    [
      "another decoder",
      { "text_config.model_type": "mistral" },
      /text_config\.model_type is "mistral"; supported: llama/,
    ],
    ["a negative image id", { image_token_id: -1 }, /image_token_id is -1/],
    ["an encoder as a list", { vision_config: [1] }, /vision_config is a list of 1/],
    ["a decoder as a string", { text_config: "llama" }, /text_config is "llama"/],
    ["a picture below the class's patch", { vision_config: { image_size: 16 } }, /vision_config\.image_size is 16/],
    ["a flag as string", { tie_word_embeddings: "true" }, /tie_word_embeddings is "true"/],
  ])("%s", (_, changes, message) => {
    expect(configRefusal(having(small, changes))).toMatch(message);
  });
});
