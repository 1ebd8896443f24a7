/**
 * Qwen3-VL: as Qwen2-VL, with a table of positions besides the rotary ones, features of several encoder blocks
 * (DeepStack), and a Qwen3 decoder. Source: transformers, `modeling_qwen3_vl.py`, `configuration_qwen3_vl.py`.
 */
import type { ConnectorStep, ModelSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readAreaPictures } from "./parts/area-pictures.ts";
import { type DecoderKind, MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { type EncoderNames, encoderTensors } from "./parts/encoder-tensors.ts";
import {
  type Merger,
  mergerSteps,
  mergerTensors,
  readGridTower,
  readMlpWidth,
  TOWER_NAMES,
  TOWER_PREFIXES,
  type Tower,
  type TowerKind,
  towerNames,
} from "./parts/grid-tower.ts";
import { respellSections, withSections } from "./parts/mrope.ts";
import { STAMPED_VIDEO } from "./parts/stamped-video.ts";
import { DECODER_NAMES } from "./qwen2-vl.ts";
import { QWEN3_DECODER } from "./qwen3.ts";

/** Qwen3VLTextConfig. */
const DECODER: DecoderKind = {
  ...QWEN3_DECODER,
  maxPositions: 128000,
  defaults: { ...QWEN3_DECODER.defaults, rope_theta: 5e5 },
  respell: respellSections,
  refine: (decoder, fields) =>
    withSections(QWEN3_DECODER.refine!(decoder, fields), fields, "interleaved", [24, 20, 20]),
};

/** Qwen3VLVisionConfig. */
const TOWER: TowerKind = {
  defaults: {
    ...{ depth: 27, hidden_size: 1152, intermediate_size: 4304, hidden_act: "gelu_pytorch_tanh", patch_size: 16 },
  },
  widthField: "hidden_size",
  mlpWidth: readMlpWidth,
  traits: { patchBias: true },
};

export const QWEN3_TOWER_NAMES: EncoderNames = { ...TOWER_NAMES, fc1: "mlp.linear_fc1", fc2: "mlp.linear_fc2" };

/** The most positions of a table's side. */
const MAX_TABLE_SIDE = 1024;

const MERGER_NAMES = { norm: "norm", linear1: "linear_fc1", linear2: "linear_fc2" };
export const QWEN3_MERGER: Merger = { prefix: "merger.", slot: "connector", names: MERGER_NAMES };

/** The tower without taps. Throws FoveaError `unsupported-model`. */
export function readQwen3Tower(fields: ConfigFields): Tower {
  const tower = readGridTower(fields, TOWER);
  const count = fields.integer("num_position_embeddings", 2304, 1, MAX_TABLE_SIDE ** 2);
  const side = Math.sqrt(count);
  if (!Number.isInteger(side)) throw fields.unsupported("num_position_embeddings", "the number of places of a square");
  return { ...tower, positions: { ...tower.positions, table: { rows: side, cols: side }, corners: true } };
}

/** A merger for each tapped block, in the order of blocks; files number them in the order of the list. */
function readTaps(fields: ConfigFields, { blocks }: Tower): { taps: number[]; mergers: Merger[] } {
  const listed = fields.value("deepstack_visual_indexes") ?? [8, 16, 24];
  const isBlock = (block: unknown) => Number.isInteger(block) && (block as number) >= 0 && (block as number) < blocks;
  if (!Array.isArray(listed) || !listed.every(isBlock) || new Set(listed).size !== listed.length)
    throw fields.unsupported("deepstack_visual_indexes", `a list of different blocks below ${blocks}`);
  const taps = (listed as number[]).toSorted((a, b) => a - b);
  const mergers = taps.map((block, tap): Merger => {
    const prefix = `deepstack_merger_list.${listed.indexOf(block)}.`;
    return { prefix, slot: `taps.${tap}`, names: MERGER_NAMES, normsCells: true };
  });
  return { taps, mergers };
}

export const qwen3Vl: Family = {
  name: "qwen3_vl",
  matches: (files) => hasModelType(files, "qwen3_vl"),
  describe(files) {
    const { config } = files;
    const vision = config.objectOrEmpty("vision_config");
    const tower = readQwen3Tower(vision);
    const { taps, mergers } = readTaps(vision, tower);
    const encoder: Tower = taps.length > 0 ? { ...tower, taps } : tower;
    const { decoder, files: decoderFiles } = readDecoder(config.objectOrEmpty("text_config"), DECODER);
    const { width } = decoder;
    vision.integer("out_hidden_size", width, width, width);
    const isTied = config.boolean("tie_word_embeddings", false);
    const stepsOf = (merger: Merger): ConnectorStep[] => mergerSteps(merger, encoder, width);
    return {
      family: "qwen3_vl",
      pictures: readAreaPictures(files, encoder, STAMPED_VIDEO),
      encoder,
      connector: stepsOf(QWEN3_MERGER),
      ...(taps.length > 0 && { tapConnectors: mergers.map(stepsOf) }),
      decoder,
      imageTokenId: config.integer("image_token_id", 151655, 0, MAX_TOKEN_ID),
      tensors: [
        ...encoderTensors(encoder, towerNames(vision, QWEN3_TOWER_NAMES), TOWER_PREFIXES),
        ...[QWEN3_MERGER, ...mergers].flatMap((merger) => mergerTensors(merger, encoder, width)),
        ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", decoderFiles),
      ],
      ignores: isComputed,
    } satisfies ModelSpec;
  },
};
