/** Reads back the owners of the rows of compressed views, by which a prompt orders them. */
import type { Gpu } from "../../gpu/device.ts";
import { readFloats, readTensor } from "../../gpu/readback.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "./plan.ts";
import { readOwners, type StageTensors } from "./stage.ts";

/** Views of one plan after compression. */
export interface ReducedViews {
  views: readonly number[];
  owners: Tensor; // [B, n] u32
  stages: readonly StageTensors[];
}

/**
 * The owner of each row of each view, as a raster index. The owner of a merged row is its cell of highest importance,
 * that of an average the first of its cells.
 *
 * @param grid of a view, in cells
 */
export async function rowOwners(gpu: Gpu, batch: ReducedViews, plan: ViewPlan, grid: Grid): Promise<Uint32Array[]> {
  if (plan.method === "pool") return batch.views.map(() => firstOfWindows(grid, plan.factor));
  const owners = await readOwners(gpu, batch.owners);
  if (plan.method !== "prumerge") return owners;
  // The last row is the sum of the dropped cells.
  const { scores, order, primary } = batch.stages.at(-1)!;
  const [values, indices] = [await readFloats(gpu, scores), (await readTensor(gpu, order)) as Uint32Array];
  const cells = order.shape[1]!;
  return owners.map((own, view) => {
    const dropped = indices.slice(view * cells + primary, (view + 1) * cells);
    const score = (cell: number) => values[view * cells + cell]!;
    const first = dropped.reduce((best, cell) => (score(cell) > score(best) ? cell : best), dropped[0]!);
    return Uint32Array.from([...own, first]);
  });
}

function firstOfWindows({ rows, cols }: Grid, factor: number): Uint32Array {
  const firsts: number[] = [];
  for (let row = 0; row < rows; row += factor)
    for (let col = 0; col < cols; col += factor) firsts.push(row * cols + col);
  return Uint32Array.from(firsts);
}
