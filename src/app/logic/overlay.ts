/**
 * The tokens of a picture, stage by stage: the numbers that the page draws over it. Pure.
 * Stage 0 is the picture as it enters, stage s what leaves the s-th compression.
 */
import type { SeenView } from "../../api.ts";
import { clipToPicture, type Size, type ViewGrid } from "../../image/geometry.ts";

/** Token of each cell of a view at a stage. A cell is what becomes one token without compression: one patch, or r x r. */
export interface TokenMap {
  /** [cells], row by row; -1 for a cell that was dropped. */
  tokenOf: Int32Array;
  /** Per token, its cells in ascending order. */
  cellsOf: readonly (readonly number[])[];
}

/** The cells of a view as squares on the picture. */
export function cellGrid({ rows, cols, cell, strip, patch, toPicture }: SeenView): ViewGrid {
  // Strips that go on in the next row of patches are no rectangles: they are drawn as one line.
  if (strip !== undefined && cols % strip !== 0)
    return { rows: 1, cols: Math.floor((rows * cols) / strip), side: patch, across: strip * patch, toPicture };
  if (strip !== undefined) return { rows, cols: cols / strip, side: patch, across: strip * patch, toPicture };
  return { rows: Math.floor(rows / cell), cols: Math.floor(cols / cell), side: cell * patch, toPicture };
}

function cellCount(view: SeenView): number {
  const { rows, cols } = cellGrid(view);
  return rows * cols;
}

/** How many stages the slider has, the picture as it enters aside. */
export function stageCount(views: readonly SeenView[]): number {
  return views.reduce((most, view) => Math.max(most, stagesOf(view)), 0);
}

/** Without stages a view may still be chosen from or pooled. */
function stagesOf(view: SeenView): number {
  return view.stages.length > 0 ? view.stages.length : Number(view.columns.length !== cellCount(view));
}

/** Which token each cell belongs to. Undefined where the numbers fit no known way to compress. */
export function tokenMap(view: SeenView, stage: number): TokenMap | undefined {
  const cellsOf = cellLists(view, Math.min(stage, stagesOf(view)));
  if (!cellsOf) return undefined;
  const tokenOf = new Int32Array(cellCount(view)).fill(-1);
  for (const [token, cells] of cellsOf.entries()) for (const cell of cells) tokenOf[cell] = token;
  return { tokenOf, cellsOf };
}

function cellLists(view: SeenView, stage: number): number[][] | undefined {
  if (stage === 0) return Array.from({ length: cellCount(view) }, (_, cell) => [cell]);
  const { origins } = view.stages[stage - 1] ?? {};
  // A class token comes first, without cells.
  if (origins) return origins.filter((list, i) => i > 0 || list.length > 0).map((list) => knownCells(view, list));
  if (view.kept) return Array.from(view.kept, (cell) => knownCells(view, [cell]));
  return pooledCells(view);
}

function knownCells(view: SeenView, cells: ArrayLike<number>): number[] {
  const count = cellCount(view);
  return Array.from(cells)
    .filter((cell) => cell < count)
    .sort((a, b) => a - b);
}

/** Squares of cells that were averaged, row by row; those at the far edges may be cut. */
function pooledCells(view: SeenView): number[][] | undefined {
  const { rows, cols } = cellGrid(view);
  const tokens = view.columns.length;
  for (let factor = 2; factor <= Math.max(rows, cols); factor++) {
    const pooledCols = Math.ceil(cols / factor);
    if (pooledCols * Math.ceil(rows / factor) !== tokens) continue;
    const lists: number[][] = Array.from({ length: tokens }, () => []);
    for (let cell = 0; cell < rows * cols; cell++) {
      const [row, col] = [Math.floor(cell / cols), cell % cols];
      lists[Math.floor(row / factor) * pooledCols + Math.floor(col / factor)]!.push(cell);
    }
    return lists;
  }
  return undefined;
}

/**
 * Views that can be drawn at once, because none covers another: the tiles, the overview. The finest comes first.
 * Indices of `views`.
 */
export function layersOf(views: readonly SeenView[]): number[][] {
  const layers: number[][] = [];
  for (const [index, view] of views.entries()) {
    const free = layers.find((layer) => layer.every((other) => !overlap(views[other]!, view)));
    if (free) free.push(index);
    else layers.push([index]);
  }
  return layers.sort((a, b) => b.length - a.length);
}

/** More than a hundredth of a side, for neighbours may touch. */
function overlap(a: SeenView, b: SeenView): boolean {
  const span = ({ toPicture: map, width, height }: SeenView, axis: 0 | 1) => {
    const start = map[axis === 0 ? 4 : 5];
    return [start, start + (axis === 0 ? map[0] * width : map[3] * height)] as const;
  };
  return ([0, 1] as const).every((axis) => {
    const [[fromA, toA], [fromB, toB]] = [span(a, axis), span(b, axis)];
    return Math.min(toA, toB) - Math.max(fromA, fromB) > 0.01 * Math.min(toA - fromA, toB - fromB);
  });
}

/** The part of the picture that a view covers. */
export function viewOnPicture({ toPicture, width, height }: SeenView, picture: Size) {
  return clipToPicture(toPicture, { x: 0, y: 0, width, height }, picture);
}

/** Numbers of a stage, for captions. */
export interface StageCounts {
  tokens: number;
  /** Tokens that are one cell. */
  kept: number;
  /** Tokens that stand for several cells, and those cells. */
  merged: number;
  mergedCells: number;
  dropped: number;
}

/** Of several views together. */
export function countTokens(maps: readonly TokenMap[]): StageCounts {
  const sizes = maps.flatMap(({ cellsOf }) => cellsOf.map(({ length }) => length));
  const several = sizes.filter((size) => size > 1);
  return {
    tokens: sizes.length,
    kept: sizes.length - several.length,
    merged: several.length,
    mergedCells: several.reduce((sum, size) => sum + size, 0),
    dropped: maps.reduce((sum, { tokenOf }) => sum + tokenOf.filter((token) => token < 0).length, 0),
  };
}

/** A piece of a picture that becomes one token without compression. */
export type Piece = "patch" | "cell";

/** "1 patch", "2 patches". */
export function piecesText(count: number, piece: Piece): string {
  const plural = piece === "patch" ? "patches" : "cells";
  return `${count} ${count === 1 ? piece : plural}`;
}

/** A caption: "32 tokens: 27 patches kept, 5 clusters of 37 patches, none dropped". */
export function countsText({ tokens, kept, merged, mergedCells, dropped }: StageCounts, piece: Piece): string {
  const clusters =
    merged > 0 ? `, ${merged} ${merged === 1 ? "cluster" : "clusters"} of ${piecesText(mergedCells, piece)}` : "";
  return `${tokens} tokens: ${piecesText(kept, piece)} kept${clusters}, ${dropped === 0 ? "none" : dropped} dropped`;
}
