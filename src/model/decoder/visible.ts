/**
 * Key ranges of rows, `visible` [T, 2]: row t sees the keys of the half-open range [visible[2 t], visible[2 t + 1]).
 * Ranges may end past the last key. Pure.
 */
import { FoveaError } from "../../errors.ts";

/** Ranges of `rows` rows of which the first is row `start` of the cache: each sees all rows up to itself. [rows, 2] */
export function causalRanges(rows: number, start = 0): Uint32Array {
  const visible = new Uint32Array(2 * rows);
  for (let t = 0; t < rows; t++) visible[2 * t + 1] = start + t + 1;
  return visible;
}

/** The rows that a prompt's rows see besides the rows up to themselves; see `DecoderSpec.sees`. */
export type Sees = "pictures" | "prompt" | undefined;

/**
 * Ranges of a prompt's rows.
 *
 * @param runs of pictures, in order of rows
 */
export function promptRanges(
  rows: number,
  sees: Sees,
  runs: readonly { row: number; count: number }[] = [],
): Uint32Array {
  const visible = causalRanges(rows);
  const seeUpTo = (first: number, end: number) => {
    for (let row = first; row < end; row++) visible[2 * row + 1] = end;
  };
  if (sees === "prompt") seeUpTo(0, rows);
  if (sees === "pictures") for (const { row, count } of runs) seeUpTo(row, row + count);
  return visible;
}

/** Rows to which a layer's window does not apply. */
export interface WindowOptions {
  /** Cache row of the first row; default 0. */
  start?: number;
  /** First rows of the sequence that stay visible outside the window; default 0. */
  unwindowed?: number;
}

/**
 * The ranges of a layer with a sliding window: a row sees the last `window` keys up to itself. Later keys stay visible.
 *
 * @param visible [T, 2]
 */
export function windowRanges(
  visible: Uint32Array,
  window: number | undefined,
  { start = 0, unwindowed = 0 }: WindowOptions = {},
): Uint32Array {
  if (window === undefined) return visible;
  const narrowed = visible.slice();
  for (let t = Math.max(0, unwindowed - start); 2 * t < visible.length; t++)
    narrowed[2 * t] = Math.max(visible[2 * t]!, start + t + 1 - window);
  return narrowed;
}

/**
 * The ranges of each layer; layers with equal ranges share an array.
 *
 * @param visible [rows, 2] of all rows
 * @param unwindowed first rows that stay visible outside the window
 */
export function rangesOfLayers(
  layers: readonly { attention?: { window?: number } | undefined }[],
  visible: Uint32Array,
  unwindowed = 0,
): (layer: number) => Uint32Array {
  const ranges = new Map<number | undefined, Uint32Array>();
  return (layer) => {
    const window = layers[layer]?.attention?.window;
    const found = ranges.get(window) ?? windowRanges(visible, window, { unwindowed });
    ranges.set(window, found);
    return found;
  };
}

/** A prompt's ranges and those of `count` generated rows after it, which see all rows up to themselves. [T + count, 2] */
export function withDecodedRows(visible: Uint32Array, count: number): Uint32Array {
  const all = new Uint32Array(visible.length + 2 * count);
  all.set(visible);
  all.set(causalRanges(count, visible.length / 2), visible.length);
  return all;
}

/**
 * Cuts the rows from `first` on into chunks that run one after another. A chunk ends only where no earlier row sees
 * past its end, because later rows are not in the cache yet.
 *
 * @param visible [T, 2] of the whole prompt; no row before `first` sees row `first` or a later one
 * @param maxRows the most rows of a chunk
 * @param cuts rows before which a chunk ends, if no earlier row sees them
 * @returns the end of each chunk, half-open; the last one is T
 * @throws FoveaError `context-full` where rows that see each other do not fit in one chunk
 */
export function chunkEnds(
  visible: Uint32Array,
  { first, maxRows, cuts = [] }: { first: number; maxRows: number; cuts?: readonly number[] },
): number[] {
  const total = visible.length / 2;
  const ends: number[] = [];
  let start = first;
  let border = first;
  let reach = first;
  for (let row = first; row < total; row++) {
    if (border === row && row > start && cuts.includes(row)) {
      ends.push(row);
      start = row;
    }
    reach = Math.max(reach, Math.min(visible[2 * row + 1]!, total));
    if (row + 1 - start > maxRows) {
      if (border === start)
        throw new FoveaError(
          "context-full",
          `rows ${start} to ${reach} of the prompt see each other and must run at once, but at most ${maxRows} rows can: use fewer image tokens, or load with a larger maxContext`,
        );
      ends.push(border);
      start = border;
    }
    if (reach <= row + 1) border = row + 1;
  }
  return [...ends, total];
}

/** The largest number of rows, at most `rows`, of which none sees past the last. @param visible [T, 2] */
export function lastBorder(visible: Uint32Array, rows: number): number {
  let border = 0;
  let reach = 0;
  for (let row = 0; row < rows; row++) {
    reach = Math.max(reach, visible[2 * row + 1]!);
    if (reach <= row + 1) border = row + 1;
  }
  return border;
}
