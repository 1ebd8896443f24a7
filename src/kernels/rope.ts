/** Rotary position embedding (Su et al. 2021) in Hugging Face's rotate-half layout, with the append to the KV cache. */
import axisOne from "../../shaders/lib/axis-one.wgsl?raw";
import axisTable from "../../shaders/lib/axis-table.wgsl?raw";
import turn from "../../shaders/lib/turn.wgsl?raw";
import turnAxes from "../../shaders/lib/turn-axes.wgsl?raw";
import shader from "../../shaders/rope.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";
import { chooseCachedPart } from "./heads.ts";

const kernel = new Kernel({
  name: "rope",
  shader,
  bindings: { qkv: "read", positions: "read", table: "read", q: "write", cache: "write" },
  params: {
    rows: "u32",
    heads: "u32",
    keyHeads: "u32",
    cacheRow: "u32",
    halfTurned: "u32",
    queryPitch: "u32",
    tablePitch: "u32",
  },
});

/** The outputs of turned queries, turned keys and plain values, and the table that turns them. */
export interface RopeTarget {
  /** Each below P: the kernel cannot check them. */
  positions: Tensor; // [axes, T] u32
  /**
   * The axis by whose position each pair of channels turns (M-RoPE), for up to 128 pairs and 4 axes. Without it there is
   * one axis, at no cost.
   */
  axisOfPair?: readonly number[] | undefined; // [R/2]
  /** Of `ropeTable`. R channels of a head turn, from the first on; the others stay. */
  table: Tensor; // [P, R], with `grows` [P, R + 4]
  /** True for a table with a growth factor on queries. Default false. */
  grows?: boolean | undefined;
  /** False where no channel turns; the table is then not read. Default true. */
  turns?: boolean | undefined;
  q: Tensor; // [T, H D]
  cache: Tensor; // [C, 2 Hk D], f32 or f16: keys, then values
  /** Rows cacheRow .. cacheRow + T of the cache are written, half-open; the others stay as they are. */
  cacheRow: number;
  /** H */
  heads: number;
  /** Hk */
  keyHeads: number;
  /** D, even */
  headWidth: number;
}

export interface RopeArgs extends RopeTarget {
  qkv: Tensor; // [T, (queryPitch H + 2 Hk) D]: queries, then keys, then values
  /** Distance between queries, in widths of a head: 2 where a gate of the same width follows each query. Default 1. */
  queryPitch?: number | undefined;
}

/** Throws unless `rows` rows fit their target: a bug in the model code. */
export function checkRope(name: string, target: RopeTarget, rows: number): void {
  const { positions, axisOfPair, q, cache, cacheRow, heads, keyHeads, headWidth } = target;
  const [capacity] = matrixShape(`${name} cache`, cache);
  const turned = turnedChannels(target);
  assert(
    headWidth % 2 === 0 && turned % 2 === 0 && turned <= headWidth,
    `${name}: table of width ${turned} for heads of ${headWidth}`,
  );
  assert(!axisOfPair || 2 * axisOfPair.length === turned, `${name}: axes of ${axisOfPair?.length} pairs`);
  checkShape(`${name} positions`, positions, [axesOf(axisOfPair), rows]);
  checkShape(`${name} q`, q, [rows, heads * headWidth]);
  checkShape(`${name} cache`, cache, [capacity, 2 * keyHeads * headWidth]);
  assert(
    cacheRow >= 0 && cacheRow + rows <= capacity,
    `${name}: ${rows} rows at row ${cacheRow} do not fit in a cache of ${capacity} rows`,
  );
}

/** The number of channels of a head that turn. */
export function turnedChannels(target: Pick<RopeTarget, "table" | "turns" | "grows">): number {
  return Math.max(0, tablePitch(target) - (target.grows ? GROWTH_COLUMNS : 0));
}

/** Values from a position of the table to the next; 0 where no channel turns. */
export function tablePitch({ table, turns = true }: Pick<RopeTarget, "table" | "turns">): number {
  return turns ? matrixShape("RoPE table", table)[1] : 0;
}

/** The number of position axes. */
export function axesOf(axisOfPair: readonly number[] | undefined): number {
  return axisOfPair ? Math.max(...axisOfPair) + 1 : 1;
}

/** Pairs in a word of lib/axis-table, and words. */
const PAIRS_OF_WORD = 16;
const AXIS_WORDS = 8;

/** lib/axis-* for these axes, with its constants. */
export function chooseAxes(axisOfPair: readonly number[] | undefined): {
  text: string;
  constants: Readonly<Record<string, number>>;
} {
  if (!axisOfPair) return { text: axisOne, constants: {} };
  assert(axisOfPair.length <= AXIS_WORDS * PAIRS_OF_WORD, `axes of ${axisOfPair.length} pairs`);
  const words = new Uint32Array(AXIS_WORDS);
  for (const [pair, axis] of axisOfPair.entries()) {
    assert(Number.isInteger(axis) && axis >= 0 && axis < 4, `axis ${axis} of pair ${pair}`);
    words[Math.floor(pair / PAIRS_OF_WORD)]! |= axis << ((pair % PAIRS_OF_WORD) * 2);
  }
  return { text: axisTable, constants: Object.fromEntries([...words].map((word, i) => [`AXES_${i}`, word])) };
}

/** Writes the turned queries to `q`, and appends the turned keys and the plain values to the cache. For one row: `qkv`. */
export function rope(recorder: Recorder, args: RopeArgs): void {
  const { qkv, queryPitch = 1, positions, axisOfPair, table, q, cache, cacheRow, heads, keyHeads, headWidth } = args;
  const [rows] = matrixShape("rope qkv", qkv);
  checkRope("rope", args, rows);
  checkShape("rope qkv", qkv, [rows, (queryPitch * heads + 2 * keyHeads) * headWidth]);
  const halfTurned = turnedChannels(args) / 2;
  const part = chooseCachedPart(cache, headWidth / 2, halfTurned);
  const axes = chooseAxes(axisOfPair);
  const halfParts = headWidth / 2 / part.width;
  const workgroupSize = 64;
  const variant = kernel.variant({
    libs: { key: part.key, texts: [part.text, axes.text, axisOfPair && part.width === 4 ? turnAxes : turn] },
    constants: { HALF_PARTS: halfParts, WORKGROUP_SIZE: workgroupSize, ...axes.constants },
  });
  recorder.dispatch(
    variant,
    { qkv, positions, table, q, cache },
    {
      ...{ rows, heads, keyHeads, cacheRow, queryPitch },
      ...{ halfTurned: halfTurned / part.width, tablePitch: tablePitch(args) / part.width },
    },
    elementGrid(rows * (heads + 2 * keyHeads) * halfParts, workgroupSize),
  );
}

/** Columns of the table that hold the growth of a position: a Part of four, or of one and three that are not read. */
const GROWTH_COLUMNS = 4;

/** Columns of a table for this many turning channels. */
export function tableColumns(turned: number, grows: boolean): number {
  return turned + (grows ? GROWTH_COLUMNS : 0);
}

/**
 * Cosines and sines of all angles, times `factor`. Row p holds the D/2 cosines of position p, then the D/2 sines, then
 * four times the growth factor of position p.
 * Computed on the CPU in f64: WGSL promises sin and cos only to 2^-11, and only for small angles.
 *
 * @param frequenciesOf radians from one position to the next, [D/2], as the row of a position takes them
 * @param growthOf the growth of a position; without it queries do not grow
 * @returns [positions, D], with `growthOf` [positions, D + 4]
 */
export function ropeTable(
  positions: number,
  frequenciesOf: (position: number) => readonly number[],
  factor = 1,
  growthOf?: (position: number) => number,
): Float32Array {
  const half = frequenciesOf(0).length;
  const columns = tableColumns(2 * half, !!growthOf);
  const table = new Float32Array(positions * columns);
  for (let position = 0; position < positions; position++) {
    const row = position * columns;
    if (growthOf) table.fill(growthOf(position), row + 2 * half, row + columns);
    const frequencies = frequenciesOf(position);
    for (let pair = 0; pair < half; pair++) {
      const angle = position * frequencies[pair]!;
      table[row + pair] = factor * Math.cos(angle);
      table[row + half + pair] = factor * Math.sin(angle);
    }
  }
  return table;
}
