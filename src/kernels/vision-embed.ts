/** The vision encoder's input rows: class token (where there is one), patches, learned positions. */
import cells from "../../shaders/lib/cells.wgsl?raw";
import shader from "../../shaders/vision-embed.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "vision-embed",
  shader,
  bindings: { patchEmbeddings: "read", classEmbedding: "read", positions: "read", y: "write" },
  params: { rows: "u32", width: "u32", views: "u32", cols: "u32", cell: "u32" },
});

export interface VisionEmbedArgs {
  patchEmbeddings: Tensor; // [B * N * S, C], cell order
  classEmbedding?: Tensor | undefined; // [C]; becomes row 0 of every view
  /** One table for all views, the class token's row first if there is one, then patches in raster order. */
  positions: Tensor; // [first + N * S, C]
  y: Tensor; // [B * (first + N * S), C]
  /** Columns of the grid, in patches. */
  cols: number;
  /** Side of a cell, in patches; S is its square. */
  cell: number;
}

/** y of each view = cat(class, patches) + positions, each patch with the position of its place in the grid. */
export function visionEmbed(recorder: Recorder, args: VisionEmbedArgs): void {
  const { patchEmbeddings, classEmbedding, positions, y, cols, cell } = args;
  const [rows, width] = matrixShape("vision-embed positions", positions);
  const [allRows] = matrixShape("vision-embed y", y);
  const classTokens = classEmbedding ? 1 : 0;
  const patches = rows - classTokens;
  const views = allRows / rows;
  if (classEmbedding) checkShape("vision-embed class", classEmbedding, [width]);
  checkShape("vision-embed patches", patchEmbeddings, [views * patches, width]);
  checkShape("vision-embed y", y, [views * rows, width]);
  const fits = cols % cell === 0 && patches % (cols * cell) === 0 && Number.isInteger(views);
  assert(fits, `vision-embed: ${allRows} rows of views of ${patches} patches, ${cols} columns, cells of side ${cell}`);
  recorder.dispatch(
    kernel.variant({ libs: { key: "", texts: [cells] }, constants: { CLASS_TOKENS: classTokens } }),
    { patchEmbeddings, classEmbedding: classEmbedding ?? positions, positions, y },
    { rows, width, views, cols, cell },
    elementGrid(allRows * width, 64),
  );
}
