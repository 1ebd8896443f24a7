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

/**
 * The rows of a view's patches in raster order.
 *
 * @param first rows of the table before its grid, such as a class token's; they stay as they are
 */
export function resizedTable(table: Grid, grid: Grid, first = 0): Arrangement {
  const down = axisSources(table.rows, grid.rows);
  const across = axisSources(table.cols, grid.cols);
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
