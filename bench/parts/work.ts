/** The minimum arithmetic of a model: multiplications and additions of its matmuls and its attention. Pure. */
import type { ViewPlan } from "../../src/model/compression/plan.ts";
import { cellCount, seatsOf } from "../../src/model/encoder/cell-count.ts";
import type { ConnectorStep, DecoderSpec, EncoderSpec } from "../../src/spec/model-spec.ts";
import type { Grid } from "../../src/spec/picture-spec.ts";

/** The encoder on one view. A stage acts in its block after attention; its own arithmetic does not count. */
export function encoderFlops(spec: EncoderSpec, grid: Grid, plan: ViewPlan = { method: "none" }): number {
  const { width, mlp, runBlocks, patch, cell } = spec;
  const rowsOf = (cells: number) => cells * cell ** 2 + (spec.classToken ? 1 : 0);
  let rows = rowsOf(cellCount(grid, spec));
  let products = grid.rows * grid.cols * 3 * patch.side ** 2 * width;
  for (let block = 0; block < runBlocks; block++) {
    products += rows * 4 * width ** 2 + 2 * rows ** 2 * width;
    const stage = plan.method === "vmtc" ? plan.stages.find((candidate) => candidate.block === block) : undefined;
    if (stage) rows = rowsOf(stage.tokens);
    products += rows * 2 * width * mlp.width;
  }
  return 2 * products;
}

/** The connector on `cells` cells. */
export function connectorFlops(steps: readonly ConnectorStep[], spec: EncoderSpec, cells: number): number {
  const { width } = spec;
  let rows = cells * seatsOf(spec);
  let inner = width;
  let products = 0;
  for (const step of steps) {
    if (step.op === "fold") {
      const seats = step.strip ?? step.factor ** 2;
      rows /= seats;
      inner *= seats;
    } else if (step.op === "linear") {
      products += rows * inner * step.width;
      inner = step.width;
    }
  }
  return 2 * products;
}

/** Weights of all decoder layers that every row is multiplied with. */
export function layerParameters({ width, layers }: DecoderSpec): number {
  return layers.reduce((sum, { attention, mlp }) => {
    const mixing = attention ? 2 * (attention.heads + attention.keyHeads) * attention.headWidth : 4 * width;
    return sum + width * (mixing + 3 * mlp.width);
  }, 0);
}

/** A prompt: all layers on its rows, causal attention, and the head on the last row. */
export function prefillFlops(spec: DecoderSpec, rows: number): number {
  const keys = (rows * (rows + 1)) / 2;
  const attention = spec.layers.reduce(
    (sum, { attention }) => sum + (attention ? 2 * keys * attention.heads * attention.headWidth : 0),
    0,
  );
  return 2 * (rows * layerParameters(spec) + attention + spec.vocabularySize * spec.width);
}
