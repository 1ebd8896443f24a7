/** The description files of the model that views.ts measures, and a toy of the same kind for tests. */

import type { DescriptionFiles } from "../../src/families/registry.ts";
import config from "../../test/families/idefics3/SmolVLM-256M-Instruct/config.json" with { type: "json" };
import preprocessor from "../../test/families/idefics3/SmolVLM-256M-Instruct/preprocessor_config.json" with {
  type: "json",
};
import processor from "../../test/families/idefics3/SmolVLM-256M-Instruct/processor_config.json" with { type: "json" };

/** HuggingFaceTB/SmolVLM-256M-Instruct: ViT-B/16 at 512, a factor of 4, a Llama of width 576. */
export const SMOLVLM_256M: DescriptionFiles = {
  "config.json": config,
  "preprocessor_config.json": preprocessor,
  "processor_config.json": processor,
};

const TOY_SIDE = 64;

/** Tiles of 4 x 4 patches and 4 cells. */
export const SMOLVLM_TOY: DescriptionFiles = {
  "config.json": {
    ...config,
    scale_factor: 2,
    vision_config: {
      ...config.vision_config,
      ...{ hidden_size: 64, intermediate_size: 128, num_attention_heads: 2, image_size: TOY_SIDE },
    },
    text_config: {
      ...config.text_config,
      ...{ hidden_size: 64, intermediate_size: 128, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 32 },
      vocab_size: 512,
    },
  },
  "preprocessor_config.json": {
    ...preprocessor,
    max_image_size: { longest_edge: TOY_SIDE },
    size: { longest_edge: 4 * TOY_SIDE },
  },
  "processor_config.json": { ...processor, image_seq_len: 4 },
};
