/**
 * The vision towers of Qwen2-VL and its successors, and the mergers after them. They encode pictures of any shape, with
 * rotary positions by row and column. Source: transformers, `modeling_qwen2_vl.py`, `modeling_qwen3_vl.py`.
 */
import type { ConnectorStep, EncoderSpec } from "../../spec/model-spec.ts";
import { layerNorm, linear, type TensorSpec, vector } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import { MAX_BLOCKS, MAX_HEAD_WIDTH, MAX_HEADS, MAX_MLP_WIDTH, MAX_WIDTH } from "./encoder-config.ts";
import type { EncoderNames } from "./encoder-tensors.ts";

/** Epsilon of every norm, a constant in the published code. */
const TOWER_EPS = 1e-6;
const MAX_PATCH = 256;
const MAX_CELL = 8;
const MAX_FRAMES = 8;
/** Cells of a usual picture, the image processor's default. */
const USUAL_CELLS = 1280;

/** As published, and as transformers saves them since 4.52. */
export const TOWER_PREFIXES = ["visual.", "model.visual.", "vision_tower."];

/** The traits of a kind of tower. */
export interface TowerKind {
  /** Defaults of the config class, by name. */
  defaults: Readonly<Record<string, unknown>>;
  /** The field of the width. */
  widthField: string;
  mlpWidth(fields: ConfigFields, width: number): number;
  traits: Pick<EncoderSpec, "rmsNorms"> & { gated?: true; patchBias: boolean };
}

/** The part of a spec that this file reads; positions have no table. */
export type Tower = EncoderSpec & { rope: { frequencies: readonly number[] } };

/**
 * Reads a tower's fields.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readGridTower(given: ConfigFields, kind: TowerKind): Tower {
  const fields = given.withDefaults({ num_heads: 16, spatial_merge_size: 2, temporal_patch_size: 2, ...kind.defaults });
  const width = fields.integer(kind.widthField, 1, 1, MAX_WIDTH);
  const heads = fields.integer("num_heads", 1, 1, MAX_HEADS);
  if (width % heads !== 0) throw fields.unsupported("num_heads", `a divisor of ${kind.widthField} ${width}`);
  const headWidth = width / heads;
  // Half of the pairs turn by the row.
  if (headWidth % 4 !== 0 || headWidth > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      "num_heads",
      `heads whose width is a multiple of 4 up to ${MAX_HEAD_WIDTH}, ${kind.widthField} ${width} makes them ${headWidth} wide`,
    );
  for (const name of ["in_channels", "in_chans"]) fields.integer(name, 3, 3, 3);
  const blocks = fields.integer("depth", 1, 1, MAX_BLOCKS);
  const side = fields.integer("patch_size", 14, 1, MAX_PATCH);
  const cell = fields.integer("spatial_merge_size", 2, 1, MAX_CELL);
  const frames = fields.integer("temporal_patch_size", 2, 1, MAX_FRAMES);
  const { gated, patchBias, rmsNorms } = kind.traits;
  const usual = cell * Math.floor(Math.sqrt(USUAL_CELLS));
  const ropeFields = fields.objectOrEmpty("rope_parameters");
  ropeFields.choice("rope_type", "axial", { axial: true, default: true });
  const theta = ropeFields.number("rope_theta", 10000, 2, 1e12);
  const perAxis = Array.from({ length: headWidth / 4 }, (_, i) => theta ** (-i / (headWidth / 4)));
  return {
    ...{ width, heads, blocks, runBlocks: blocks, cell, eps: TOWER_EPS },
    mlp: {
      width: kind.mlpWidth(fields, width),
      activation: fields.choice("hidden_act", "silu", HIDDEN_ACTIVATIONS),
      ...(gated && { gated }),
    },
    ...(rmsNorms && { rmsNorms }),
    ...{ preNorm: false, postNorm: false, qkvBias: true, classToken: false, keepClassToken: false },
    patch: { side, bias: patchBias, ...(frames > 1 && { frames }) },
    positions: { grid: { rows: usual, cols: usual }, table: null },
    rope: { frequencies: [...perAxis, ...perAxis] },
  };
}

/** `intermediate_size` of a tower. */
export function readMlpWidth(fields: ConfigFields): number {
  return fields.integer("intermediate_size", 1, 1, MAX_MLP_WIDTH);
}

export const TOWER_NAMES: EncoderNames = {
  classToken: "",
  positions: "pos_embed.weight",
  patch: "patch_embed.proj",
  blocks: "blocks.",
  norm1: "norm1",
  norm2: "norm2",
  qkv: "attn.qkv",
  out: "attn.proj",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  postNorm: "norm",
  unused: /^$/,
};

/**
 * The names of a checkpoint. Other containers store queries, keys and values separately, marked by a field of our own.
 */
export function towerNames(fields: ConfigFields, names: EncoderNames): EncoderNames {
  return fields.boolean("qkv_is_split", false) ? { ...names, qkv: ["attn.q", "attn.k", "attn.v"] } : names;
}

/** A merger: the norm of patches or of folded cells, and two linear layers around an exact GELU. */
export interface Merger {
  /** Prefix of its tensors' names, below the tower. */
  prefix: string;
  /** Canonical prefix of ".norm", ".1" and ".2". */
  slot: string;
  names: { norm: string; linear1: string; linear2: string };
  /** The norm is over a whole folded cell. */
  normsCells?: true;
  rms?: true;
}

/** The steps of a merger. @param width of the decoder */
export function mergerSteps({ slot, normsCells }: Merger, { cell, width: own }: Tower, width: number): ConnectorStep[] {
  const fold = { op: "fold", factor: cell } as const;
  const norm = { op: "norm", slot: `${slot}.norm`, eps: TOWER_EPS } as const;
  return [
    ...(normsCells ? [fold, norm] : [norm, fold]),
    { op: "linear", slot: `${slot}.1`, width: own * cell ** 2, activation: "gelu" },
    { op: "linear", slot: `${slot}.2`, width, activation: "none" },
  ];
}

/** The tensors of a merger. */
export function mergerTensors(merger: Merger, { cell, width: own }: Tower, width: number): TensorSpec[] {
  const { prefix, slot, names, normsCells, rms } = merger;
  const below = TOWER_PREFIXES.map((tower) => tower + prefix);
  const folded = own * cell ** 2;
  const normed = normsCells ? folded : own;
  return [
    ...(rms
      ? [vector(`${slot}.norm.weight`, below, `${names.norm}.weight`, normed)]
      : layerNorm(`${slot}.norm`, below, names.norm, normed)),
    ...linear(`${slot}.1`, below, [[names.linear1, folded]], { cols: folded, bias: true }),
    ...linear(`${slot}.2`, below, [[names.linear2, width]], { cols: folded, bias: true }),
  ];
}
