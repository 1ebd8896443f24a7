/** Rows of a prompt as plain values, and the number that two prompts share. Rows are compared, never pictures. Pure. */
import type { PromptRows, PromptRun } from "../model/decoder/prompt-rows.ts";
import { lastBorder } from "../model/decoder/visible.ts";

/** Rows of a picture. Rows of the same `source` from the same `first` on have the same values. */
export type CachedRun = Pick<PromptRun, "row" | "count" | "first"> & { source: string | undefined };

export interface CachedRows {
  ids: number[];
  /** `stride` numbers for each row: its positions on all axes, then its key range, and its range beside the prompt if there is one. */
  places: number[];
  stride: number;
  runs: readonly CachedRun[];
  /** Inhibition and RoPE of the rows: keys and values of all layers except the first depend on them. */
  plan: string;
}

/**
 * The rows of a prompt as numbers that can be compared.
 *
 * @param plan of inhibition, which changes the rows' values
 */
export function cachedRows({ ids, positions, visible, pictures, beside }: PromptRows, plan: string): CachedRows {
  const axes = positions.length / ids.length;
  const places: number[] = [];
  for (let row = 0; row < ids.length; row++) {
    for (let axis = 0; axis < axes; axis++) places.push(positions[axis * ids.length + row]!);
    for (const ranges of beside ? [visible, beside.visible] : [visible])
      places.push(ranges[2 * row]!, ranges[2 * row + 1]!);
  }
  const runs = [...pictures.flat(), ...(beside?.runs ?? [])].map(({ row, count, first, source }) => ({
    row,
    count,
    first,
    source,
  }));
  return { ids: [...ids], places, stride: axes + (beside ? 4 : 2), runs, plan };
}

/** Adds a generated row, which sees all rows up to itself, and beside the prompt what the row before it sees. */
export function addGenerated(rows: CachedRows, id: number, positions: readonly number[]): void {
  rows.ids.push(id);
  const beside = rows.places.slice(rows.places.length - (rows.stride - positions.length - 2));
  rows.places.push(...positions, 0, rows.ids.length, ...beside);
}

/** The first `count` rows, or all. */
export function firstRows(rows: CachedRows, count: number): CachedRows {
  if (count >= rows.ids.length) return rows;
  return { ...rows, ids: rows.ids.slice(0, count), places: rows.places.slice(0, count * rows.stride) };
}

/**
 * The number of first rows that are equal in both and see no later row. The prompt's last row is excluded, because it
 * must run to give logits. With inhibition pictures are kept whole, because its columns are numbered by pictures.
 */
export function sharedRows(cached: CachedRows, rows: CachedRows, prompt: PromptRows): number {
  if (cached.plan !== rows.plan || cached.stride !== rows.stride) return 0;
  const most = Math.min(cached.ids.length, rows.ids.length - 1);
  const { stride } = rows;
  const isSame = (row: number) => {
    if (cached.ids[row] !== rows.ids[row]) return false;
    for (let at = row * stride; at < (row + 1) * stride; at++) if (cached.places[at] !== rows.places[at]) return false;
    return true;
  };
  let shared = 0;
  while (shared < most && isSame(shared)) shared++;
  const changed = rows.runs.find(({ row, first, source }, i) => {
    const before = cached.runs[i];
    return before?.row !== row || before.first !== first || source === undefined || before.source !== source;
  });
  return wholePictures(prompt, Math.min(shared, changed?.row ?? shared));
}

/** The largest number of rows, at most `rows`, that cuts no picture and sees no later row. */
export function wholePictures({ pictures, visible }: PromptRows, rows: number): number {
  const border = lastBorder(visible, rows);
  const cut = pictures.find((runs) => {
    const last = runs.at(-1);
    return last && runs[0]!.row < border && last.row + last.count > border;
  });
  return cut ? lastBorder(visible, cut[0]!.row) : border;
}
