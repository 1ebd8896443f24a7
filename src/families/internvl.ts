/**
 * InternVL 2.5, 3 and 3.5 in Hugging Face's layout: InternViT over tiles, pixel shuffle, a norm and two linear layers, and a
 * Qwen2, Qwen3 or Llama decoder. Source: transformers, `modeling_internvl.py`, `processing_internvl.py`.
 */

import type { ConnectorStep, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { layerNorm, linear } from "../spec/tensor-spec.ts";
import { type Descriptions, type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { HIDDEN_ACTIVATIONS } from "./parts/activations.ts";
import { planAspectTiles } from "./parts/aspect-tiles.ts";
import { LLAMA_DECODER, MAX_TOKEN_ID, QWEN2_DECODER, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { readEncoder, VIT_ENCODER, withEqualSides } from "./parts/encoder-config.ts";
import { encoderTensors, INTERN_NAMES, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { readPixelValues } from "./parts/pixel-values.ts";
import { readProcessorFields } from "./parts/processor-fields.ts";
import { QWEN3_DECODER } from "./qwen3.ts";

/** InternVLVisionConfig. */
const ENCODER = {
  ...VIT_ENCODER,
  width: 1024,
  blocks: 24,
  heads: 16,
  patchSize: 14,
  eps: 1e-6,
  qkvBiasField: "attention_bias",
};
const ENCODER_DEFAULTS = { image_size: 448, intermediate_size: 4096, attention_bias: false };
const DECODERS = { qwen2: QWEN2_DECODER, qwen3: QWEN3_DECODER, llama: LLAMA_DECODER };

// As published and as transformers 5 saves them; with the level of the task's class.
const ENCODER_PREFIXES = ["vision_tower.", "model.vision_tower."];
const CONNECTOR_PREFIXES = ["multi_modal_projector.", "model.multi_modal_projector."];
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};
/** Epsilon of the connector's norm, independent of the encoder's. */
const CONNECTOR_EPS = 1e-5;

const PROCESSOR = "GotOcr2ImageProcessor";
const PIXELS = { filter: "bicubic", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
/** The most tiles; published models have 12. */
const MAX_TILES = 64;

export const internvl: Family = {
  name: "internvl",
  matches: (files) => hasModelType(files, "internvl"),
  describe(files) {
    const { config } = files;
    config.integer("vision_feature_layer", -1, -1, -1);
    config.choice("vision_feature_select_strategy", "default", { default: true });
    const { encoder, imageSize } = readTower(config);
    const text = config.objectOrEmpty("text_config");
    const { decoder, files: decoderFiles } = readDecoder(text, text.choice("model_type", "qwen2", DECODERS));
    const { width } = decoder;
    const activation = config.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS);
    const connector: ConnectorStep[] = [
      { op: "fold", factor: encoder.cell },
      { op: "norm", slot: "connector.norm", eps: CONNECTOR_EPS },
      { op: "linear", slot: "connector.1", width, activation },
      { op: "linear", slot: "connector.2", width, activation: "none" },
    ];
    const folded = encoder.width * encoder.cell ** 2;
    return {
      family: "internvl",
      pictures: readPictures(files, encoder, imageSize),
      encoder,
      connector,
      decoder,
      imageTokenId: config.integer("image_token_id", 151667, 0, MAX_TOKEN_ID),
      tensors: [
        ...encoderTensors(encoder, INTERN_NAMES, ENCODER_PREFIXES),
        ...layerNorm("connector.norm", CONNECTOR_PREFIXES, "layer_norm", folded),
        ...linear("connector.1", CONNECTOR_PREFIXES, [["linear_1", width]], { cols: folded, bias: true }),
        ...linear("connector.2", CONNECTOR_PREFIXES, [["linear_2", width]], { cols: width, bias: true }),
        // Files lack the flag for a tied head on the level that counts.
        ...decoderTensors(decoder, DECODER_NAMES, "optional", decoderFiles),
      ],
      ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, INTERN_NAMES, ENCODER_PREFIXES, name),
    } satisfies ModelSpec;
  },
};

function readTower(config: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const given = config.objectOrEmpty("vision_config").withDefaults(ENCODER_DEFAULTS);
  const fields = withEqualSides(given);
  if (!fields.boolean("use_absolute_position_embeddings", true))
    throw fields.unsupported("use_absolute_position_embeddings", "true");
  const { imageSize, ...square } = readEncoder(fields, ENCODER);
  const { rows } = square.positions.grid;
  const cell = 1 / config.number("downsample_ratio", 0.5, 1e-3, 1);
  if (!Number.isInteger(cell) || rows % cell !== 0)
    throw config.unsupported("downsample_ratio", `1 over a divisor of the ${rows} patches of a tile's side`);
  const cells = (rows / cell) ** 2;
  config.integer("image_seq_length", cells, cells, cells);
  const isRms = fields.choice("norm_type", "layer_norm", { layer_norm: false, rms_norm: true });
  const encoder: EncoderSpec = {
    ...square,
    runBlocks: square.blocks,
    postNorm: !fields.boolean("use_mean_pooling", true),
    keepClassToken: false,
    cell,
    layerScale: true,
    ...(isRms && { rmsNorms: true }),
    ...(fields.boolean("use_qk_norm", false) && { qkNorm: true }),
  };
  return { encoder, imageSize };
}

function readPictures(files: Descriptions, encoder: EncoderSpec, side: number): PictureSpec {
  const fields = readProcessorFields(files, PROCESSOR);
  const size = fields.objectOrEmpty("size");
  for (const edge of ["height", "width"]) size.integer(edge, side, side, side);
  const { grid } = encoder.positions;
  const cells = (grid.rows / encoder.cell) * (grid.cols / encoder.cell);
  files.processor?.integer("image_seq_length", cells, cells, cells);
  const minTiles = fields.integer("min_patches", 1, 1, MAX_TILES);
  const maxTiles = fields.integer("max_patches", 12, minTiles, MAX_TILES);
  // Pictures are always cut: the processor's own default overrides `crop_to_patches` in its file.
  const rule = { side, grid, minTiles, maxTiles };
  return {
    ...readPixelValues(fields, PIXELS),
    plan: (width, height, budget) => planAspectTiles(rule, width, height, budget),
    runs: (_, rows) => [{ text: "<img>" }, ...rows.map((count, view) => ({ view, rows: count })), { text: "</img>" }],
    largest: { width: maxTiles * side, height: side },
    marks: ["<IMG_CONTEXT>", "<image>"],
    // As `processing_internvl.py`, none of them cut; templates end each with a line break.
    video: { maxFrames: 8, budget: () => ({ maxTiles: 1 }), stamp: (frame) => `Frame${frame + 1}: ` },
  };
}
