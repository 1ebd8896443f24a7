/** A prompt as rows of the decoder: token ids, and rows of encoded pictures in place of the placeholders. Pure. */
import { NO_TOKEN } from "../../kernels/token-embed.ts";
import { assert } from "../../shared/assert.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import type { PictureRows, PlacedIds, Placement, PromptPicture } from "../picture-rows.ts";
import { type BesideRows, besideRows } from "./beside-rows.ts";
import { promptRanges } from "./visible.ts";

/** A run of a picture's rows that stands in a prompt. */
export interface PromptRun extends PictureRows {
  /** First row in the prompt. */
  row: number;
  /** Position of that row. */
  position: number;
  placed?: Placement | undefined;
}

export interface PromptRows {
  /** [T]; `NO_TOKEN` in the rows of pictures. */
  ids: Uint32Array;
  /** [axes, T], for RoPE. Rows with a placement have 0 here, because only the GPU knows their positions. */
  positions: Uint32Array;
  /** [T, 2], the half-open range of rows that each row sees; see visible.ts. */
  visible: Uint32Array;
  /** First rows that stay visible outside all windows; default 0. */
  unwindowed?: number;
  /** The runs of each picture; none where they stand beside the prompt. */
  pictures: readonly (readonly PromptRun[])[];
  /** Of a decoder that reads pictures beside the prompt. */
  beside?: BesideRows;
  /** Position of the first generated token. */
  nextPosition: number;
}

/** Runs of rows of each picture, as inhibition numbers its columns by. */
export function imageRuns({ pictures }: Pick<PromptRows, "pictures">): { row: number; tokens: number }[][] {
  return pictures.map((runs) => runs.map(({ row, count }) => ({ row, tokens: count })));
}

/** Positions of the rows `first` to `end`, [axes, end - first]. */
export function positionsOf({ ids, positions }: PromptRows, first: number, end: number): Uint32Array {
  const rows = ids.length;
  const axes = positions.length / rows;
  if (axes === 1) return positions.subarray(first, end);
  const chunk = new Uint32Array(axes * (end - first));
  for (let axis = 0; axis < axes; axis++)
    chunk.set(positions.subarray(axis * rows + first, axis * rows + end), axis * (end - first));
  return chunk;
}

/**
 * Replaces each placeholder of a list by as many as its picture has rows: for pictures of one run each.
 *
 * @param counts rows of each picture in the prompt, in the order of the placeholders; 0 for a picture beside it
 * @throws TypeError if there are more or fewer placeholders than pictures
 */
export function expandPlaceholders(
  inputIds: readonly number[],
  counts: readonly number[],
  imageTokenId: number | undefined,
): PlacedIds {
  // A list may have holes; `undefined` is not the placeholder of a model without one.
  const isPlaceholder = (id: number) => id !== undefined && id === imageTokenId;
  const placeholders = inputIds.filter(isPlaceholder).length;
  if (placeholders !== counts.length)
    throw new TypeError(
      `the prompt has ${placeholders} image placeholders (id ${imageTokenId}) for ${counts.length} images; there must be one for each`,
    );
  const ids: number[] = [];
  const pictures: { start: number; count: number }[][] = [];
  for (const id of inputIds) {
    const count = isPlaceholder(id) ? counts[pictures.length]! : undefined;
    if (count === undefined) {
      ids.push(id);
      continue;
    }
    pictures.push([{ start: ids.length, count }]);
    for (let i = 0; i < Math.max(count, 1); i++) ids.push(id);
  }
  return { ids, pictures };
}

/** The rules for positions and key ranges of a prompt's rows. */
export interface PromptRules extends Pick<DecoderSpec, "vocabularySize" | "sees" | "firstPosition" | "beside"> {
  /** Axes of positions; default 1. */
  axes?: number;
}

/**
 * The rows of a prompt. On one axis positions count the rows. On several (M-RoPE, arXiv 2409.12191) they are time, row
 * and column: all three count the text. A picture's cells are at one time, in a grid that begins at the next position.
 * The text continues after the longer side of the whole grid, however many cells remain.
 *
 * @param pictures the encoded pictures, with the runs that `placed` names
 * @throws RangeError for an id outside the vocabulary; TypeError for an empty prompt
 */
export function promptRows(
  placed: PlacedIds,
  pictures: readonly PromptPicture[],
  { vocabularySize, sees, firstPosition = 0, axes = 1, beside }: PromptRules,
): PromptRows {
  const total = placed.ids.length;
  if (total === 0) throw new TypeError("the prompt is empty: at least one token is needed");
  const runs = placed.pictures.map((spans, i) => (beside ? [] : runsOf(spans, pictures[i]!)));
  const ids = new Uint32Array(total).fill(NO_TOKEN);
  const addIds = (first: number, end: number) => {
    for (let row = first; row < end; row++) {
      const id = placed.ids[row]!;
      if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
        throw new RangeError(`token id ${id} at ${row} of the prompt; the model's vocabulary has ${vocabularySize}`);
      ids[row] = id;
    }
  };
  const positions = new Uint32Array(axes * total);
  let position = firstPosition;
  let row = 0;
  const addText = (end: number) => {
    addIds(row, end);
    for (; row < end; row++) {
      for (let axis = 0; axis < axes; axis++) positions[axis * total + row] = position;
      position++;
    }
  };
  for (const run of runs.flat()) {
    addText(run.row);
    run.position = position;
    if (axes > 1) {
      placeCells(run, positions, total, axes);
      row += run.count;
      position += Math.max(run.places!.grid.rows, run.places!.grid.cols);
      continue;
    }
    const grid = run.placed;
    for (let i = 0; i < run.count; i++) positions[row++] = grid && i >= grid.first ? 0 : position + i;
    // The text continues after the whole grid.
    position += grid ? grid.first + grid.cells : run.count;
  }
  addText(total);
  const visible = promptRanges(total, sees, runs.flat());
  const unwindowed = sees === "prompt" ? total : 0;
  return {
    ...{ ids, positions, visible, unwindowed, pictures: runs, nextPosition: position },
    ...(beside && { beside: besideRows(placed, pictures, beside.endId) }),
  };
}

/** Writes the positions of a run's cells. @param positions [axes, total] */
function placeCells({ row, count, position, places }: PromptRun, positions: Uint32Array, total: number, axes: number) {
  assert(places, "a picture without places of its cells in a prompt with positions on several axes");
  const { grid, owners } = places;
  assert(owners ? owners.length === count : count === grid.rows * grid.cols, `${count} rows without a place each`);
  for (let i = 0; i < count; i++) {
    const cell = owners ? owners[i]! : i;
    const place = [0, Math.floor(cell / grid.cols), cell % grid.cols];
    for (let axis = 0; axis < axes; axis++) positions[axis * total + row + i] = position + place[axis]!;
  }
}

function runsOf(spans: readonly { start: number; count: number }[], { runs, placed }: PromptPicture): PromptRun[] {
  assert(spans.length === runs.length, `${spans.length} runs in the prompt, ${runs.length} of the picture`);
  return spans.map(({ start, count }, i) => {
    const run = runs[i]!;
    assert(run.count === count, `a run of ${count} rows in the prompt, ${run.count} of the picture`);
    return { ...run, row: start, position: 0, ...(placed && { placed }) };
  });
}
