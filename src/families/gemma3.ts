/**
 * Gemma 3 with pictures: a SigLIP encoder, the mean of each block of patches, a norm and one matrix, and the Gemma 3
 * decoder. The rows of a picture see each other in both directions. Source: transformers, `modeling_gemma3.py`,
 * `processing_gemma3.py`.
 */

import type { ConnectorStep, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureRun, PictureSpec } from "../spec/picture-spec.ts";
import { type TensorSpec, vector } from "../spec/tensor-spec.ts";
import { type Descriptions, type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { GEMMA3_DECODER } from "./gemma.ts";
import { MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { readEncoder, SIGLIP_ENCODER } from "./parts/encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { readPixelValues } from "./parts/pixel-values.ts";
import { readProcessorFields } from "./parts/processor-fields.ts";
import { type PanAndScan, planStretched } from "./parts/siglip-pictures.ts";

// As published, and as transformers 5 saves them: with the level of the task's class, and without SigLIP's own.
const ENCODER_PREFIXES = ["vision_tower.", "model.vision_tower."].flatMap((prefix) => [
  `${prefix}vision_model.`,
  prefix,
]);
const CONNECTOR_PREFIXES = ["multi_modal_projector.", "model.multi_modal_projector."];
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};

const PROCESSOR = "Gemma3ImageProcessor";
const PIXELS = { filter: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
/** The most crops; the processor's own default is 4. */
const MAX_CROPS = 16;

export const gemma3: Family = {
  name: "gemma3",
  matches: (files) => hasModelType(files, "gemma3"),
  describe(files) {
    const { config } = files;
    const { encoder, imageSize } = readTower(config);
    const text = config.objectOrEmpty("text_config");
    text.choice("model_type", "gemma3_text", { gemma3_text: true });
    const read = readDecoder(text, GEMMA3_DECODER);
    const decoder = { ...read.decoder, sees: "pictures" as const };
    const isTied = read.tied && config.boolean("tie_word_embeddings", true);
    const connector: ConnectorStep[] = [
      { op: "pool", factor: encoder.cell },
      { op: "norm", slot: "connector.norm", eps: encoder.eps },
      { op: "linear", slot: "connector.1", width: decoder.width, activation: "none" },
    ];
    return {
      family: "gemma3",
      pictures: readPictures(files, encoder, imageSize),
      encoder,
      connector,
      decoder,
      imageTokenId: readImageTokenId(config),
      tensors: [
        ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
        ...connectorTensors(encoder.width, decoder.width),
        ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", read.files),
      ],
      ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
    } satisfies ModelSpec;
  },
};

/** The norm is stored as a difference from one, the matrix [in, out]. */
function connectorTensors(inner: number, outer: number): TensorSpec[] {
  const norm = vector("connector.norm.weight", CONNECTOR_PREFIXES, "mm_soft_emb_norm.weight", inner);
  const names = CONNECTOR_PREFIXES.map((prefix) => `${prefix}mm_input_projection_weight`);
  return [
    { ...norm, parts: norm.parts.map((part) => ({ ...part, add: 1 })) },
    {
      name: "connector.1.weight",
      use: "linear",
      shape: [outer, inner],
      parts: [{ names, shape: [inner, outer], to: 0, transposes: [inner, outer] }],
    },
  ];
}

function readTower(config: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const fields = config.objectOrEmpty("vision_config");
  fields.choice("model_type", "siglip_vision_model", { siglip_vision_model: true });
  const { imageSize, ...square } = readEncoder(fields, SIGLIP_ENCODER);
  const { rows } = square.positions.grid;
  const tokens = config.integer("mm_tokens_per_image", 256, 1, rows ** 2);
  const cell = rows / Math.sqrt(tokens);
  if (!Number.isInteger(cell))
    throw config.unsupported("mm_tokens_per_image", `the square of a divisor of ${rows}, the patches of a side`);
  const encoder = { ...square, runBlocks: square.blocks, postNorm: true, keepClassToken: false, cell };
  return { encoder, imageSize };
}

/** The id under its old name, and under that of transformers 5. */
export function readImageTokenId(config: ConfigFields, fallback = 262144): number {
  const name = config.has("image_token_id") ? "image_token_id" : "image_token_index";
  return config.integer(name, fallback, 0, MAX_TOKEN_ID);
}

function readPictures(files: Descriptions, encoder: EncoderSpec, side: number): PictureSpec {
  const fields = readProcessorFields(files, PROCESSOR);
  const size = fields.objectOrEmpty("size");
  for (const edge of ["height", "width"]) size.integer(edge, side, side, side);
  const { grid } = encoder.positions;
  const cells = (grid.rows / encoder.cell) ** 2;
  for (const level of [fields, files.processor]) level?.integer("image_seq_length", cells, cells, cells);
  const panAndScan = readPanAndScan(fields);
  const rule = { side, grid, panAndScan };
  return {
    ...readPixelValues(fields, PIXELS),
    plan: (width, height, budget) => planStretched(rule, { width, height }, budget),
    runs: (_, rows) => runsOf(rows),
    marks: ["<start_of_image>"],
    largest: panAndScan
      ? { width: panAndScan.maxCrops * Math.max(side, panAndScan.minCrop), height: Math.max(side, panAndScan.minCrop) }
      : { width: side, height: side },
  };
}

/** Undefined unless the file asks for crops. */
function readPanAndScan(fields: ConfigFields): PanAndScan | undefined {
  const rule = {
    minCrop: fields.integer("pan_and_scan_min_crop_size", 256, 1, 1 << 16),
    maxCrops: fields.integer("pan_and_scan_max_num_crops", 4, 1, MAX_CROPS),
    minRatio: fields.number("pan_and_scan_min_ratio_to_activate", 1.2, 1, 1e6),
  };
  return fields.boolean("do_pan_and_scan", false) ? rule : undefined;
}

/** Each view between two tags on lines of their own; a sentence introduces the crops of a picture. */
function runsOf(rows: readonly number[]): PictureRun[] {
  const blocks = rows.map((count, view): PictureRun[] => [
    { text: "\n\n<start_of_image>" },
    { view, rows: count },
    { text: "<end_of_image>\n\n" },
  ]);
  if (blocks.length === 1) return blocks[0]!;
  const leads = ["Here is the original image ", " and here are some crops to help you see better ", " "];
  return blocks.flatMap((block, view) => [{ text: leads[Math.min(view, 2)]! }, ...block]);
}
