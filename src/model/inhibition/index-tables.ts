/**
 * Which rows of a sequence see which image tokens, as the index tables that attention inhibition reads on the GPU. Pure.
 *
 * A viewer is a text row behind the first image token, prompt and generated alike; viewers are numbered from 0 in their
 * order, image tokens by columns. Text in front of the first image sees none and plays no part. From the first image
 * token on, every row is either an image token or a viewer.
 */
import { assert } from "../../shared/assert.ts";

/** Rows that an image's tokens take in the sequence. */
export interface ImageSpan {
  /** First row. */
  row: number;
  /** At least 1. */
  tokens: number;
}

/** Set in a slot of `Sight.slots` that is a column; without it the slot is a viewer. */
export const COLUMN_BIT = 0x80000000;
/** The slot of a text row in front of the first image. */
export const NO_SLOT = 0x7fffffff;

export interface Sight {
  /** Rows that the tables reach. */
  rows: number;
  /** First row of the first image. */
  firstKey: number;
  /** Viewer (or column with `COLUMN_BIT`) at each row. */
  slots: Uint32Array; // [rows]
  /** Row of each column. */
  columnRows: Uint32Array; // [n]
  /** Row of each viewer. */
  viewerRows: Uint32Array; // [viewers]
  /**
   * Where each viewer's attention to the columns that it sees begins in one packed list, and at last the list's length.
   * What a viewer sees are always the first columns, and later images leave earlier viewers' places alone.
   */
  starts: Uint32Array; // [viewers + 1]
  /** Columns of each image and those before it: the image is columns ends[i - 1] .. ends[i]. */
  ends: Uint32Array; // [images]
}

/**
 * The tables of a sequence of `rows` rows, all of which are text where no image stands.
 *
 * @param images at least one, in order, without overlap
 */
export function planSight(images: readonly ImageSpan[], rows: number): Sight {
  const slots = new Uint32Array(rows).fill(NO_SLOT);
  const columnRows: number[] = [];
  const viewerRows: number[] = [];
  const starts = [0];
  const ends: number[] = [];
  const firstKey = images[0]?.row ?? rows;
  let row = firstKey;
  const addViewers = (end: number) => {
    for (; row < end; row++) {
      slots[row] = viewerRows.length;
      viewerRows.push(row);
      starts.push(starts.at(-1)! + columnRows.length);
    }
  };
  for (const image of images) {
    const fits = image.row >= row && image.tokens > 0 && image.row + image.tokens <= rows;
    assert(fits, `an image of ${image.tokens} tokens at row ${image.row}, behind row ${row} of ${rows}`);
    addViewers(image.row);
    for (const end = row + image.tokens; row < end; row++) {
      slots[row] = (COLUMN_BIT | columnRows.length) >>> 0;
      columnRows.push(row);
    }
    ends.push(columnRows.length);
  }
  addViewers(rows);
  return {
    rows,
    firstKey,
    slots,
    columnRows: Uint32Array.from(columnRows),
    viewerRows: Uint32Array.from(viewerRows),
    starts: Uint32Array.from(starts),
    ends: Uint32Array.from(ends),
  };
}

/** How many viewers stand in front of `row`: the number of the first one at it or behind it. */
export function viewersBefore({ viewerRows }: Sight, row: number): number {
  let low = 0;
  let high = viewerRows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (viewerRows[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
