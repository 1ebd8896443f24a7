/** Rows of the token embedding table. */
import shader from "../../shaders/token-embed.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "token-embed",
  shader,
  bindings: { ids: "read", table: "read", y: "write" },
  params: { rows: "u32", width: "u32" },
});

/** In place of an id: the row of `y` is left as it is, for an image token. */
export const NO_TOKEN = 0xffffffff;

export interface TokenEmbedArgs {
  ids: Tensor; // [T] u32
  table: Tensor; // [V, C]
  y: Tensor; // [T, C]
}

/** y[t] = table[ids[t]]. Ids are below V or `NO_TOKEN`; the caller checks them. */
export function tokenEmbed(recorder: Recorder, { ids, table, y }: TokenEmbedArgs): void {
  const [rows, width] = matrixShape("token-embed y", y);
  checkShape("token-embed ids", ids, [rows]);
  checkShape("token-embed table", table, [table.shape[0] ?? 0, width]);
  recorder.dispatch(kernel.variant(), { ids, table, y }, { rows, width }, elementGrid(rows * width, 64));
}
