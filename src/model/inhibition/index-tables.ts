/**
 * The index tables that inhibition reads on the GPU: the image tokens that each row of a sequence sees under one
 * attention mask. Pure.
 *
 * Image tokens are numbered as *columns*, in the order of their rows. All other rows are text. *Text rows* are numbered
 * from the first one that sees an image token, prompt and generated alike; earlier text takes no part. Every row sees a
 * half-open range of rows, so the columns and the text rows among them are half-open ranges too.
 */
import { assert } from "../../shared/assert.ts";

/** Neighbouring rows of image tokens: a whole picture, or one of its views where text stands between them. */
export interface ImageRun {
  /** First row. */
  row: number;
  /** At least 1. */
  tokens: number;
}

/** The runs of one picture, in order. */
export type ImageRuns = readonly ImageRun[];

export interface Columns {
  /** Row of each column. */
  columnRows: Uint32Array; // [n]
  /** First column of each image, and n. */
  imageStarts: Uint32Array; // [images + 1]
}

/** As the struct in shaders/lib/text-row.wgsl. All ranges are half-open, and empty if the row sees no image token. */
export interface TextRow {
  /** In the cache. */
  row: number;
  /** Rows of the cache that it sees. */
  firstKey: number;
  endKey: number;
  /** Columns that it sees. */
  firstColumn: number;
  endColumn: number;
  /** Text rows that it sees, itself included. */
  firstNeighbour: number;
  endNeighbour: number;
  /** Place of its attention to these columns in a layer's packed list; later rows do not move it. */
  start: number;
}

/** Set in a slot that is a column; the other slots are text rows. */
export const COLUMN_BIT = 0x80000000;
/** The slot of text before the numbered text rows. */
export const NO_SLOT = 0x7fffffff;

export interface IndexTables {
  /** Text row, or column with `COLUMN_BIT`, at each row. */
  slots: Uint32Array; // [rows]
  textRows: readonly TextRow[];
  /** Rows of text before text row 0. */
  textBefore: number;
  /** First row that is a column or a text row. */
  firstKey: number;
  /** Elements of a layer's packed list. */
  listLength: number;
}

/** @param images in order, without overlap */
export function planColumns(images: readonly ImageRuns[]): Columns {
  const columnRows: number[] = [];
  const imageStarts = [0];
  let end = 0;
  for (const runs of images) {
    for (const { row, tokens } of runs) {
      assert(row >= end && tokens > 0, `${tokens} image tokens at row ${row}, after others up to row ${end}`);
      end = row + tokens;
      for (let at = row; at < end; at++) columnRows.push(at);
    }
    imageStarts.push(columnRows.length);
  }
  return { columnRows: Uint32Array.from(columnRows), imageStarts: Uint32Array.from(imageStarts) };
}

/**
 * @param visible [rows, 2], the half-open range of rows that each row of the sequence sees, including rows not yet run
 */
export function planIndexTables({ columnRows }: Columns, visible: Uint32Array): IndexTables {
  const rows = visible.length / 2;
  assert((columnRows.at(-1) ?? -1) < rows, `an image token at row ${columnRows.at(-1)} of ${rows}`);
  const slots = new Uint32Array(rows).fill(NO_SLOT);
  for (const [column, row] of columnRows.entries()) slots[row] = (COLUMN_BIT | column) >>> 0;
  const isText = (row: number) => slots[row]! < COLUMN_BIT;
  const columnsBefore = countsBefore(rows, (row) => !isText(row));
  const keysOf = (row: number): [number, number] => [
    Math.min(visible[2 * row]!, rows),
    Math.min(visible[2 * row + 1]!, rows),
  ];
  const seesImages = (row: number) => {
    const [firstKey, endKey] = keysOf(row);
    return columnsBefore[firstKey]! < columnsBefore[endKey]!;
  };
  let firstRow = 0;
  while (firstRow < rows && !(isText(firstRow) && seesImages(firstRow))) firstRow++;
  const textRowsBefore = countsBefore(rows, (row) => row >= firstRow && isText(row));

  const textRows: TextRow[] = [];
  let start = 0;
  for (let row = firstRow; row < rows; row++) {
    if (!isText(row)) continue;
    slots[row] = textRows.length;
    const [firstKey, endKey] = seesImages(row) ? keysOf(row) : [0, 0];
    const range = (before: Uint32Array) => [before[firstKey]!, before[endKey]!] as const;
    const [firstColumn, endColumn] = range(columnsBefore);
    const [firstNeighbour, endNeighbour] = range(textRowsBefore);
    textRows.push({ row, firstKey, endKey, firstColumn, endColumn, firstNeighbour, endNeighbour, start });
    start += endColumn - firstColumn;
  }
  return {
    slots,
    textRows,
    textBefore: firstRow - columnsBefore[firstRow]!,
    firstKey: Math.min(firstRow, columnRows[0] ?? rows),
    listLength: start,
  };
}

/** The number of counted rows before each row, and of all rows. [rows + 1] */
function countsBefore(rows: number, isCounted: (row: number) => boolean): Uint32Array {
  const counts = new Uint32Array(rows + 1);
  for (let row = 0; row < rows; row++) counts[row + 1] = counts[row]! + Number(isCounted(row));
  return counts;
}

/** Text rows as the GPU reads them, [text rows, 8]. */
export function packTextRows(textRows: readonly TextRow[]): Uint32Array {
  const packed = new Uint32Array(8 * textRows.length);
  for (const [i, { row, firstKey, endKey, firstColumn, endColumn, ...rest }] of textRows.entries())
    packed.set(
      [row, firstKey, endKey, firstColumn, endColumn, rest.firstNeighbour, rest.endNeighbour, rest.start],
      8 * i,
    );
  return packed;
}

/** The part of a chunk of rows that inhibition works on. */
export interface TextChunk {
  /** Number of the chunk's first text row that sees an image token. */
  firstTextRow: number;
  /** Text rows of the chunk from that one on. */
  count: number;
  /** First row that is a column or a text row and is seen by one of them. */
  firstKey: number;
}

/** The text rows of the chunk of rows `chunkRow` to `end`; undefined if none of them sees an image token. */
export function textChunk(tables: IndexTables, chunkRow: number, end: number): TextChunk | undefined {
  const { textRows } = tables;
  const first = firstFrom(textRows, chunkRow);
  const endTextRow = firstFrom(textRows, end);
  let firstTextRow = endTextRow;
  let firstKey = end;
  for (let number = endTextRow - 1; number >= first; number--) {
    const { row, firstColumn, endColumn, endKey, ...keys } = textRows[number]!;
    if (firstColumn === endColumn) continue;
    assert(endKey <= end, `row ${row} sees rows up to ${endKey}, but its chunk ends at ${end}`);
    firstTextRow = number;
    firstKey = Math.min(firstKey, Math.max(keys.firstKey, tables.firstKey));
  }
  return firstTextRow < endTextRow ? { firstTextRow, count: endTextRow - firstTextRow, firstKey } : undefined;
}

/** Number of the first text row at `row` or after it. */
export function firstFrom(textRows: readonly TextRow[], row: number): number {
  let low = 0;
  let high = textRows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (textRows[middle]!.row < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
