/** Rows of pictures beside a prompt: where they lie in the caches of cross-attention, and which rows of the prompt see them. Pure. */
import { assert } from "../../shared/assert.ts";
import type { PictureRows, PlacedIds, PromptPicture } from "../picture-rows.ts";

/** A run of a picture's rows beside the prompt. */
export interface BesideRun extends PictureRows {
  /** Row of the prompt that the picture's placeholder is: the first that sees the run. */
  row: number;
  /** First row of the cache that it takes. */
  place: number;
}

export interface BesideRows {
  /** In order of the prompt's rows. */
  runs: readonly BesideRun[];
  /** [T, 2], of each row of the prompt the half-open range of rows beside it. */
  visible: Uint32Array;
}

/**
 * The rows beside a prompt. Each row of the prompt sees the run of the last placeholder up to itself; after `endId` rows see
 * nothing, up to the next placeholder.
 */
export function besideRows(
  { ids, pictures: placed }: PlacedIds,
  pictures: readonly PromptPicture[],
  endId: number | undefined,
): BesideRows {
  const runs: BesideRun[] = [];
  let place = 0;
  for (const [i, spans] of placed.entries()) {
    const own = pictures[i]!.runs;
    assert(
      spans.length === own.length,
      `${spans.length} placeholders in the prompt, ${own.length} runs of the picture`,
    );
    for (const [j, { start }] of spans.entries()) {
      runs.push({ ...own[j]!, row: start, place });
      place += own[j]!.count;
    }
  }
  const visible = new Uint32Array(2 * ids.length);
  let [start, end, next] = [0, 0, 0];
  for (let row = 0; row < ids.length; row++) {
    if (runs[next]?.row === row) {
      start = runs[next]!.place;
      end = start + runs[next]!.count;
      next++;
    }
    visible.set([start, end], 2 * row);
    if (ids[row] === endId) start = end = 0;
  }
  assert(next === runs.length, `${runs.length} pictures beside the prompt, ${next} of them in order`);
  return { runs, visible };
}

/** Rows of the caches that the runs of the first `rows` rows of a prompt take. */
export function placesBefore({ runs }: Pick<BesideRows, "runs">, rows: number): number {
  return runs.reduce((end, { row, place, count }) => (row < rows ? place + count : end), 0);
}
