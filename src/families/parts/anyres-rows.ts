/**
 * The order of a tiled picture's rows in a prompt: first the whole picture, then the tiles as one map. The map has no
 * padding, and a learned row ends each of its lines. Source: transformers, `modeling_llava_next.py` and
 * `modeling_llava_onevision.py`.
 */
import { canvasSize } from "../../image/geometry.ts";
import type { Arrangement, Grid, PicturePlan, RowOrder } from "../../spec/picture-spec.ts";

/** Smaller shrink factors leave the map as it is. */
const LEAST_SHRINK = 1.1;

/** A half-open range of the map's rows and columns. */
interface Window {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/**
 * The order of rows: the whole's, then the map's, each of its lines followed by the learned row. A picture of one view
 * has the learned row once, at its end. A line of compressed views keeps the rows whose cells are in it; a line without
 * rows is left out. Whole maps of more rows than `maxTiles` tiles are shrunk to that. Compressed maps are not shrunk,
 * because their rows have no grid. Each tile then counts for its share of the shrunk map, so that compression never
 * adds rows.
 */
export function anyresOrder(grid: Grid, maxTiles?: number): RowOrder {
  const cells = grid.rows * grid.cols;
  return {
    learned: 1,
    arrange(plan, owners = plan.views.map(() => Uint32Array.from({ length: cells }, (_, i) => i))) {
      const total = owners.reduce((sum, { length }) => sum + length, 0);
      const rows = Array.from(owners[0]!, (_, i) => [[i, 1]] as Tap[]);
      const newline: Tap[] = [[total, 1]];
      if (plan.views.length === 1) return arrangement([...rows, newline]);
      const { map, cols } = tileMap(plan, grid, owners);
      const { window, size, shrunk } = wholeMap(plan, grid, maxTiles);
      const at = (row: number, col: number) => map[(window.top + row) * cols + window.left + col]!;
      const isWhole = map.every((source) => source >= 0);
      const lines = shrunk && isWhole ? shrunkLines(at, size, shrunk) : plainLines(at, size);
      return arrangement([...rows, ...lines.flatMap((line) => (line.length > 0 ? [...line, newline] : []))]);
    },
    counted(plan) {
      const { shrunk, size } = plan.views.length > 1 ? wholeMap(plan, grid, maxTiles) : {};
      if (!shrunk) return plan.views.map(() => cells);
      // Without its learned rows; a compressed map may keep one for each line.
      const share = Math.floor((shrunk.rows * (shrunk.cols + 1) - size!.rows) / (plan.views.length - 1));
      return plan.views.map((_, view) => (view === 0 ? cells : Math.max(1, share)));
    },
    most(plan, rowsOfView) {
      const lines = plan.views.length === 1 ? 1 : mapGrid(plan, grid).rows;
      return rowsOfView.reduce((sum, rows) => sum + rows, lines);
    },
  };
}

/** A source and its weight. */
type Tap = [source: number, weight: number];

function arrangement(rows: readonly Tap[][]): Arrangement {
  const taps = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const sources = new Uint32Array(rows.length * taps);
  const weights = new Float32Array(rows.length * taps);
  for (const [row, own] of rows.entries())
    for (const [i, [source, weight]] of own.entries()) {
      sources[row * taps + i] = source;
      weights[row * taps + i] = weight;
    }
  return { sources, weights, taps };
}

/** Cells of all tiles together. */
function mapGrid({ canvases, views }: PicturePlan, grid: Grid): Grid {
  const { width, height } = canvasSize(canvases.at(-1)!);
  return { rows: (height / views[1]!.height) * grid.rows, cols: (width / views[1]!.width) * grid.cols };
}

/** The unpadded part of the map, its size, and the smaller size to which a whole map is shrunk. */
function wholeMap(plan: PicturePlan, grid: Grid, maxTiles = Number.POSITIVE_INFINITY) {
  const window = unpadded(plan, mapGrid(plan, grid));
  const size = { rows: window.bottom - window.top, cols: window.right - window.left };
  const factor = Math.sqrt((size.rows * size.cols) / (maxTiles * grid.rows * grid.cols));
  const shrunk = { rows: Math.trunc(size.rows / factor), cols: Math.trunc(size.cols / factor) };
  return { window, size, ...(factor > LEAST_SHRINK && { shrunk }) };
}

/** The source in each cell of the map, or -1. */
function tileMap(plan: PicturePlan, grid: Grid, owners: readonly ArrayLike<number>[]) {
  const { rows, cols } = mapGrid(plan, grid);
  const map = new Int32Array(rows * cols).fill(-1);
  let source = owners[0]!.length;
  for (const [index, { left, top, width, height }] of plan.views.entries()) {
    if (index === 0) continue;
    const first = (top / height) * grid.rows * cols + (left / width) * grid.cols;
    for (const owner of Array.from(owners[index]!))
      map[first + Math.floor(owner / grid.cols) * cols + (owner % grid.cols)] = source++;
  }
  return { map, cols };
}

/** The unpadded part of the map; an odd remainder stays. */
function unpadded({ canvases }: PicturePlan, { rows, cols }: Grid): Window {
  const { pictureSize: width } = canvases[0]!.x;
  const { pictureSize: height } = canvases[0]!.y;
  // Rounded to 7 digits as in Python, then truncated.
  const half = (all: number, used: number) => Math.floor((all - Math.trunc(Number(used.toFixed(7)))) / 2);
  if (width / height > cols / rows) {
    const padding = half(rows, height * (cols / width));
    return { top: padding, bottom: rows - padding, left: 0, right: cols };
  }
  const padding = half(cols, width * (rows / height));
  return { top: 0, bottom: rows, left: padding, right: cols - padding };
}

/** The source of a cell in the map's unpadded part, or -1. */
type SourceAt = (row: number, col: number) => number;

function plainLines(at: SourceAt, { rows, cols }: Grid): Tap[][][] {
  return Array.from({ length: rows }, (_, row) => {
    const sources = Array.from({ length: cols }, (_, col) => at(row, col));
    return sources.flatMap((source): Tap[][] => (source < 0 ? [] : [[[source, 1]]]));
  });
}

/** Bilinear, with half-pixel centres and without antialiasing. */
function shrunkLines(at: SourceAt, { rows, cols }: Grid, shrunk: Grid): Tap[][][] {
  const down = axisTaps(rows, shrunk.rows);
  const across = axisTaps(cols, shrunk.cols);
  return down.map((vertical) =>
    across.map((horizontal) =>
      vertical.flatMap(([row, a]) => horizontal.map(([col, b]): Tap => [at(row, col), a * b])),
    ),
  );
}

function axisTaps(from: number, to: number): Tap[][] {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(place), from - 1);
    const rest = place - first;
    return [
      [first, 1 - rest],
      [Math.min(first + 1, from - 1), rest],
    ];
  });
}
