/** Texts as the rows of a batch: the key range and position of each row, and the rows that are read. Pure. */
import type { TextEncoderSpec } from "../../spec/model-spec.ts";

/** Rows of a batch, unless a single text has more: enough to fill a GPU, few enough to cancel between batches. */
const MAX_ROWS = 512;

/** B texts of R rows in all, one after another. */
export interface TextBatch {
  ids: Uint32Array; // [R]
  positions: Uint32Array; // [R]
  /** Half-open ranges. */
  visible: Uint32Array; // [R, 2]
  /** The row of each text from which its embedding is read. */
  pooled: Uint32Array; // [B]
}

/** The number of texts in each batch, in order. @param lengths of the texts, in rows */
export function batchTexts(lengths: readonly number[]): number[] {
  const counts: number[] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const length of lengths) {
    if (rows + length > MAX_ROWS) {
      counts.push(0);
      rows = 0;
    }
    counts[counts.length - 1]! += 1;
    rows += length;
  }
  return counts;
}

/** @param texts ids of each text, at least one */
export function packTexts(texts: readonly (readonly number[])[], spec: TextEncoderSpec): TextBatch {
  const ids = Uint32Array.from(texts.flat());
  const positions = new Uint32Array(ids.length);
  const visible = new Uint32Array(2 * ids.length);
  let start = 0;
  const pooled = texts.map((text) => {
    const end = start + text.length;
    for (let row = start; row < end; row++) {
      positions[row] = row - start;
      visible.set([start, spec.causal ? row + 1 : end], 2 * row);
    }
    const row = start + pooledRow(text, spec.pooled);
    start = end;
    return row;
  });
  return { ids, positions, visible, pooled: Uint32Array.from(pooled) };
}

/** The row of a text from which its embedding is read. */
function pooledRow(ids: readonly number[], pooled: TextEncoderSpec["pooled"]): number {
  if (pooled === "last") return ids.length - 1;
  if (pooled === "largest-id") return ids.indexOf(ids.reduce((a, b) => Math.max(a, b)));
  return Math.max(0, ids.indexOf(pooled.id));
}
