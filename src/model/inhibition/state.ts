/**
 * Buffers of an inhibitor: index tables of the sequence, the attention that its layers keep, and working memory of one
 * chunk.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { LOGITS_SPLIT_KEYS } from "../../kernels/attention-logits.ts";
import { ceilDiv } from "../../shared/assert.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import {
  type Columns,
  type ImageRuns,
  type IndexTables,
  packTextRows,
  planColumns,
  planIndexTables,
} from "./index-tables.ts";
import { ceilRank, type InhibitionPlan } from "./plan.ts";

/** The sequence that is inhibited, and the masks of its layers. */
export interface InhibitedSequence {
  /** Runs of each image, in order. Without images nothing is inhibited. */
  images: readonly ImageRuns[];
  /**
   * The half-open range of rows that each row sees in a layer with attention, [rows, 2]. Covers all rows that the
   * sequence may reach, prompt and generated tokens together. Layers with equal ranges share an array, and so tables.
   */
  visible: (layer: number) => Uint32Array;
}

/** The part of a decoder that sizes of buffers depend on. */
export interface DecoderSizes {
  /** The most rows of a chunk. */
  readonly chunkRows: number;
  readonly spec: Pick<DecoderSpec, "layers">;
}

/**
 * Index tables of one mask, on the CPU and on the GPU. They hold all rows that the sequence may reach, so that decoding
 * uploads nothing.
 */
export interface Mask {
  tables: IndexTables;
  slots: Tensor; // [rows] u32
  textRows: Tensor; // [text rows, 8] u32
}

/** A layer that inhibits, or is watched. */
export interface InhibitedLayer {
  mask: Mask;
  /** A of all text rows so far, packed: `TextRow.start` on. */
  imageAttention: Tensor; // [listLength]
}

/** Tables for all masks. */
export interface SharedTables {
  columnRows: Tensor; // [n] u32
  imageStarts: Tensor; // [images + 1] u32
  ranks: Tensor; // [layers, n + 1] u32
  /** Powers of the discount, for weights by distance. */
  powers: Tensor | undefined; // [text rows]
}

/** Buffers of one chunk of at most R rows, used by all layers in turn. */
export interface Workspace {
  logSumExp: Tensor; // [R, H]
  /** For a single row. */
  logits: Tensor; // [H, rows]
  sums: Tensor; // [splits of the rows, H]
  neighbours: Tensor; // [text rows of a chunk, text rows]
  focus: Tensor; // [text rows of a chunk, n]
  inhibited: Tensor; // [R, ceil(rows / 32)] u32
}

export interface InhibitionState {
  /** Owns all tensors. */
  arena: Arena;
  columns: Columns;
  /** Undefined for a layer that neither inhibits nor is watched. */
  layers: (InhibitedLayer | undefined)[];
  tables: SharedTables;
  space: Workspace;
}

/**
 * @param arena gets a scope of its own for the tensors
 * @param watch also keep layers that inhibit nothing
 * @throws FoveaError `out-of-memory` if one buffer is larger than the device allows; nothing is left then
 */
export function makeState(
  gpu: Gpu,
  arena: Arena,
  decoder: DecoderSizes,
  plan: InhibitionPlan,
  { images, visible, watch }: InhibitedSequence & { watch: boolean },
): InhibitionState {
  const scope = arena.scope();
  try {
    const columns = planColumns(images);
    const masks = new Map<Uint32Array, Mask>();
    const layers = plan.ratios.map((ratio, layer): InhibitedLayer | undefined => {
      if (ratio === undefined || (ratio === 0 && !watch)) return undefined;
      const ranges = visible(layer);
      const mask = masks.get(ranges) ?? makeMask(gpu, scope, planIndexTables(columns, ranges));
      masks.set(ranges, mask);
      return { mask, imageAttention: scope.tensor(`attention to images of layer ${layer}`, [mask.tables.listLength]) };
    });
    const sizesOf = (size: (tables: IndexTables) => number) => [...masks.values()].map(({ tables }) => size(tables));
    const textRows = Math.max(0, ...sizesOf((tables) => tables.textRows.length));
    const rows = Math.max(0, ...sizesOf(({ slots }) => slots.length));
    return {
      arena: scope,
      columns,
      layers,
      tables: makeTables(gpu, scope, plan, columns, textRows),
      space: makeSpace(scope, decoder, { rows, textRows, columns: columns.columnRows.length }),
    };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}

function makeMask(gpu: Gpu, arena: Arena, tables: IndexTables): Mask {
  const { slots, textRows } = tables;
  return {
    tables,
    slots: uploaded(gpu, arena, "slots", [slots.length], slots),
    textRows: uploaded(gpu, arena, "text rows", [textRows.length, 8], packTextRows(textRows)),
  };
}

function makeTables(
  gpu: Gpu,
  arena: Arena,
  { ratios, weighting }: InhibitionPlan,
  { columnRows, imageStarts }: Columns,
  textRows: number,
): SharedTables {
  const counts = columnRows.length + 1;
  const ranks = Uint32Array.from({ length: ratios.length * counts }, (_, i) =>
    i % counts === 0 ? 0 : ceilRank(ratios[Math.floor(i / counts)] ?? 0, i % counts),
  );
  const powers = (discount: number) => Float32Array.from({ length: textRows }, (_, exponent) => discount ** exponent);
  return {
    columnRows: uploaded(gpu, arena, "image token rows", [columnRows.length], columnRows),
    imageStarts: uploaded(gpu, arena, "image starts", [imageStarts.length], imageStarts),
    ranks: uploaded(gpu, arena, "ranks", [ratios.length, counts], ranks),
    powers: weighting === "neighbours" ? undefined : uploaded(gpu, arena, "discounts", [textRows], powers(weighting)),
  };
}

function makeSpace(
  arena: Arena,
  { chunkRows: mostRows, spec: { layers } }: DecoderSizes,
  { rows, textRows, columns }: { rows: number; textRows: number; columns: number },
): Workspace {
  const chunkRows = Math.min(mostRows, rows);
  const heads = Math.max(1, ...layers.map(({ attention }) => attention?.heads ?? 0));
  const chunkTextRows = Math.min(chunkRows, textRows);
  return {
    logSumExp: arena.tensor("log-sum-exp", [chunkRows, heads]),
    logits: arena.tensor("logits of a row", [heads, rows]),
    sums: arena.tensor("sums of a row", [ceilDiv(rows, LOGITS_SPLIT_KEYS), heads]),
    neighbours: arena.tensor("attention between text rows", [chunkTextRows, textRows]),
    focus: arena.tensor("focus", [chunkTextRows, columns]),
    inhibited: arena.tensor("inhibited", [chunkRows, ceilDiv(rows, 32)], "u32"),
  };
}

function uploaded(
  gpu: Gpu,
  arena: Arena,
  label: string,
  shape: readonly number[],
  values: Uint32Array | Float32Array,
): Tensor {
  const tensor = arena.tensor(label, shape, values instanceof Uint32Array ? "u32" : "f32");
  gpu.upload(tensor, values);
  return tensor;
}
