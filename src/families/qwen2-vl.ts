/**
 * Qwen2-VL: an encoder of pictures of any shape with rotary positions, a merger of 2 x 2 patches, a Qwen2 decoder with
 * three-axis positions. Source: transformers, `modeling_qwen2_vl.py`, `configuration_qwen2_vl.py`.
 */
import type { ModelSpec } from "../spec/model-spec.ts";
import { type Descriptions, type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readAreaPictures } from "./parts/area-pictures.ts";
import { type DecoderKind, MAX_TOKEN_ID, QWEN2_DECODER, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { MAX_MLP_WIDTH } from "./parts/encoder-config.ts";
import { type EncoderNames, encoderTensors } from "./parts/encoder-tensors.ts";
import {
  type Merger,
  mergerSteps,
  mergerTensors,
  readGridTower,
  TOWER_NAMES,
  TOWER_PREFIXES,
  type Tower,
  type TowerKind,
  towerNames,
} from "./parts/grid-tower.ts";
import { respellSections, withSections } from "./parts/mrope.ts";

/** Qwen2VLTextConfig and Qwen2_5_VLTextConfig. */
const DECODER: DecoderKind = {
  ...QWEN2_DECODER,
  mlpWidth: 29568,
  vocabularySize: 152064,
  bosId: 151643,
  eosIds: [151645],
  keyHeads: () => 8,
  defaults: {
    ...{ hidden_size: 8192, num_hidden_layers: 80, num_attention_heads: 64, rms_norm_eps: 1e-5, rope_theta: 1e6 },
    max_window_layers: 80,
  },
  respell: respellSections,
  refine: (decoder, fields) => withSections(decoder, fields, "chunked", [16, 24, 24]),
};

/** Prefixes of the decoder's names: as published, and as transformers saves them since 4.52. */
export const DECODER_NAMES = {
  prefixes: ["model.", "model.language_model.", "language_model.", "language_model.model."],
  head: ["lm_head.weight", "language_model.lm_head.weight"],
};

const MERGER: Merger = {
  ...{ prefix: "merger.", slot: "connector" },
  names: { norm: "ln_q", linear1: "mlp.0", linear2: "mlp.2" },
};

/** Qwen2VLVisionConfig; its `hidden_size` is the decoder's width. */
const TOWER: TowerKind = {
  defaults: { depth: 32, embed_dim: 1280, hidden_act: "quick_gelu" },
  widthField: "embed_dim",
  mlpWidth(fields, width) {
    const ratio = fields.number("mlp_ratio", 4, 1 / width, MAX_MLP_WIDTH / width);
    return Math.floor(width * ratio);
  },
  traits: { patchBias: false },
};

export const qwen2Vl: Family = {
  name: "qwen2_vl",
  matches: (files) => hasModelType(files, "qwen2_vl"),
  describe: (files) =>
    describeWithQwen2(files, {
      family: "qwen2_vl",
      readTower: (fields) => readGridTower(fields, TOWER),
      outField: "hidden_size",
      names: TOWER_NAMES,
      merger: MERGER,
    }),
};

/** RMSNorms, gated MLPs, and windows in most blocks. */
const NEXT_TOWER: TowerKind = {
  defaults: { depth: 32, hidden_size: 3584, intermediate_size: 3420, hidden_act: "silu" },
  widthField: "hidden_size",
  mlpWidth: (fields) => fields.integer("intermediate_size", 1, 1, MAX_MLP_WIDTH),
  traits: { rmsNorms: true, gated: true, patchBias: false },
};

/** Qwen2.5-VL. Source: transformers, `modeling_qwen2_5_vl.py`, `configuration_qwen2_5_vl.py`. */
export const qwen25Vl: Family = {
  name: "qwen2_5_vl",
  matches: (files) => hasModelType(files, "qwen2_5_vl"),
  describe: (files) =>
    describeWithQwen2(files, {
      family: "qwen2_5_vl",
      readTower: (fields) => withWindows(readGridTower(fields, NEXT_TOWER), fields),
      outField: "out_hidden_size",
      names: { ...TOWER_NAMES, fc1: ["mlp.gate_proj", "mlp.up_proj"], fc2: "mlp.down_proj" },
      merger: { ...MERGER, rms: true },
    }),
};

function withWindows(tower: Tower, fields: ConfigFields): Tower {
  const { patch, cell, blocks } = tower;
  const size = fields.integer("window_size", 112, 1, 1 << 16);
  const side = Math.floor(Math.floor(size / cell) / patch.side);
  if (side === 0) throw fields.unsupported("window_size", `at least the ${patch.side * cell} pixels of a cell`);
  const whole = fields.value("fullatt_block_indexes") ?? [7, 15, 23, 31];
  const isBlock = (block: unknown) => Number.isInteger(block) && (block as number) >= 0;
  if (!Array.isArray(whole) || !whole.every(isBlock))
    throw fields.unsupported("fullatt_block_indexes", "a list of numbers of blocks");
  return { ...tower, windows: { side, whole: [...new Set(whole)].filter((block) => block < blocks) } };
}

interface Parts {
  family: string;
  readTower(fields: ConfigFields): Tower;
  /** The field of the vision config with the decoder's width. */
  outField: string;
  names: EncoderNames;
  merger: Merger;
}

function describeWithQwen2(files: Descriptions, { family, readTower, outField, names, merger }: Parts): ModelSpec {
  const { config } = files;
  const vision = config.objectOrEmpty("vision_config");
  const encoder = readTower(vision);
  // Published files are flat: the decoder's fields are at the top.
  const text = config.object("text_config") ?? config;
  const { decoder, tied, files: decoderFiles } = readDecoder(text, DECODER);
  const { width } = decoder;
  vision.integer(outField, width, width, width);
  const isTied = tied || config.boolean("tie_word_embeddings", false);
  return {
    family,
    pictures: readAreaPictures(files, encoder),
    encoder,
    connector: mergerSteps(merger, encoder, width),
    decoder,
    imageTokenId: config.integer("image_token_id", 151655, 0, MAX_TOKEN_ID),
    tensors: [
      ...encoderTensors(encoder, towerNames(vision, names), TOWER_PREFIXES),
      ...mergerTensors(merger, encoder, width),
      ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", decoderFiles),
    ],
    ignores: isComputed,
  };
}
