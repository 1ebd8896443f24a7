/** A table of learned positions resized to another grid, as weighted sums of its rows. Pure. */
import type { Arrangement, Grid } from "../../spec/picture-spec.ts";

/** Weighted sources along one axis. */
type Sources = { source: number; weight: number }[];

/**
 * Sources of one axis: the filter is a triangle over pixel centres, as wide as a step where the axis shrinks. Weights add
 * up to 1. The same as torch's `interpolate` with `mode="bilinear", align_corners=False, antialias=True`.
 */
function axisSources(from: number, to: number): Sources[] {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const found = Array.from({ length: from }, (_, source) => ({
      source,
      weight: Math.max(0, 1 - Math.abs(source - centre) / reach),
    })).filter(({ weight }) => weight > 0);
    const sum = found.reduce((total, { weight }) => total + weight, 0);
    return found.map(({ source, weight }) => ({ source, weight: weight / sum }));
  });
}

/** Sources of one axis where the first and last places fall on the first and last rows of the table (`align_corners`). */
function cornerSources(from: number, to: number): Sources[] {
  return Array.from({ length: to }, (_, i) => {
    const place = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const source = Math.min(Math.floor(place), from - 1);
    const weight = place - source;
    const sources = [
      { source, weight: 1 - weight },
      { source: source + 1, weight },
    ];
    return sources.filter((tap) => tap.weight > 0);
  });
}

/**
 * Sources of one axis by a cubic filter (a = -0.75) of four taps, never antialiased; taps beyond an edge repeat it. The
 * same as torch's `interpolate` with `mode="bicubic", align_corners=False`.
 */
function cubicSources(from: number, to: number): Sources[] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const base = Math.floor(centre);
    const weights = new Map<number, number>();
    for (let tap = base - 1; tap <= base + 2; tap++) {
      const source = Math.min(from - 1, Math.max(0, tap));
      weights.set(source, (weights.get(source) ?? 0) + cubic(Math.abs(centre - tap)));
    }
    return [...weights].map(([source, weight]) => ({ source, weight }));
  });
}

function cubic(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? ((distance - 5) * distance + 8) * distance * a - 4 * a : 0;
}

/**
 * The rows of a view's patches in raster order.
 *
 * @param first rows of the table before its grid, such as a class token's; they stay as they are
 * @param corners aligns corner patches with the table's corners; by default centres are aligned
 * @param cubic the filter is cubic
 */
export function resizedTable(table: Grid, grid: Grid, { first = 0, corners = false, cubic = false } = {}): Arrangement {
  const sources = corners ? cornerSources : cubic ? cubicSources : axisSources;
  const down = sources(table.rows, grid.rows);
  const across = sources(table.cols, grid.cols);
  const most = (axis: Sources[]) => Math.max(...axis.map(({ length }) => length));
  const taps = most(down) * most(across);
  const length = (first + grid.rows * grid.cols) * taps;
  const resized = { sources: new Uint32Array(length), weights: new Float32Array(length), taps };
  for (let row = 0; row < first; row++) {
    resized.sources[row * taps] = row;
    resized.weights[row * taps] = 1;
  }
  for (const [row, rows] of down.entries())
    for (const [col, cols] of across.entries()) {
      let at = (first + row * grid.cols + col) * taps;
      for (const vertical of rows)
        for (const horizontal of cols) {
          resized.sources[at] = first + vertical.source * table.cols + horizontal.source;
          resized.weights[at++] = vertical.weight * horizontal.weight;
        }
    }
  return resized;
}
