/** Copies rows of encoded pictures into the hidden states of a chunk, over placeholders and after the first layers. */
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { anchorPositions } from "../kernels/anchor-positions.ts";
import { copyRows } from "../kernels/copy-rows.ts";
import type { PromptRun } from "../model/decoder/prompt-rows.ts";

/** A chunk of a prompt. */
export interface Chunk {
  hidden: Tensor; // [rows, W]
  positions: Tensor; // [axes, R] u32, R at least rows
  /** Prompt row of its first row. */
  first: number;
}

/** Copies the part of a picture's run inside the chunk into its rows, with original positions where it has them. */
export function recordRun(recorder: Recorder, run: PromptRun, chunk: Chunk): void {
  const { row, position, placed } = run;
  const { begin, end } = copyRun(recorder, run, chunk, false);
  if (begin >= end || !placed) return;
  const patchBegin = Math.max(begin, row + placed.first);
  if (patchBegin < end)
    anchorPositions(recorder, {
      owners: placed.owners,
      positions: view(chunk.positions, [chunk.hidden.shape[0]!]),
      xRow: patchBegin - row - placed.first,
      tokens: end - patchBegin,
      row: patchBegin - chunk.first,
      base: position + placed.first,
    });
}

/** Adds the taps of pictures to their rows after a decoder layer. */
export function recordTaps(recorder: Recorder, runs: readonly PromptRun[], layer: number, chunk: Chunk): void {
  for (const { taps, ...run } of runs) {
    const tensor = taps?.[layer];
    if (tensor) copyRun(recorder, { ...run, tensor }, chunk, true);
  }
}

/** The picture rows of a chunk. */
export function runsInChunk(
  runs: readonly PromptRun[],
  first: number,
  rows: number,
): { first: number; count: number }[] {
  return runs
    .map(({ row, count }) => {
      const begin = Math.max(row, first);
      return { first: begin - first, count: Math.min(row + count, first + rows) - begin };
    })
    .filter(({ count }) => count > 0);
}

/** Returns the prompt rows of the part in the chunk, half-open. */
function copyRun(
  recorder: Recorder,
  { tensor: x, first: from, row, count }: PromptRun,
  { hidden, first }: Chunk,
  accumulate: boolean,
): { begin: number; end: number } {
  const begin = Math.max(row, first);
  const end = Math.min(row + count, first + hidden.shape[0]!);
  const place = { xRow: from + begin - row, yRow: begin - first, rows: end - begin };
  if (begin < end) copyRows(recorder, { x, y: hidden, ...place, accumulate });
  return { begin, end };
}
