/** Rows of the token embedding table. */
import shader from "../../shaders/token-embed.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Matrix, partsOf, scalesOffset, type Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";
import { chooseWeight } from "./weights.ts";

const kernel = new Kernel({
  name: "token-embed",
  shader,
  bindings: { ids: "read", weight: "read", y: "write" },
  params: { rows: "u32", width: "u32", scales: "u32", first: "u32", count: "u32", factor: "f32" },
});

/** An id that leaves its row of `y` as it is, for an image token. */
export const NO_TOKEN = 0xffffffff;

export interface TokenEmbedArgs {
  ids: Tensor; // [T] u32
  /** The table, plain or packed. */
  weight: Matrix; // [V, C]
  y: Tensor; // [T, C]
  /** Factor on the embeddings; default 1. */
  factor?: number | undefined;
}

/** y[t] = factor * weight[ids[t]]. Rows of other ids than 0 to V - 1, such as `NO_TOKEN`, stay as they are. */
export function tokenEmbed(recorder: Recorder, { ids, weight, y, factor = 1 }: TokenEmbedArgs): void {
  const [rows, width] = matrixShape("token-embed y", y);
  checkShape("token-embed ids", ids, [rows]);
  assert(weight.shape[1] === width, `token-embed: a table [${weight.shape}] for rows of ${width}`);
  let first = 0;
  for (const table of partsOf(weight)) {
    const { part, key, texts, constants } = chooseWeight(table);
    const count = table.shape[0]!;
    const params = { rows, width: width / part.width, scales: scalesOffset(table), first, count, factor };
    const grid = elementGrid(rows * params.width, 64);
    recorder.dispatch(kernel.variant({ libs: { key, texts }, constants }), { ids, weight: table, y }, params, grid);
    first += count;
  }
}
