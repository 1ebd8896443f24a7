/** Rows of the token embedding table. */
import shader from "../../shaders/token-embed.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { scalesOffset, type Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";
import { chooseWeight } from "./weights.ts";

const kernel = new Kernel({
  name: "token-embed",
  shader,
  bindings: { ids: "read", weight: "read", y: "write" },
  params: { rows: "u32", width: "u32", scales: "u32" },
});

/** In place of an id: the row of `y` is left as it is, for an image token. */
export const NO_TOKEN = 0xffffffff;

export interface TokenEmbedArgs {
  ids: Tensor; // [T] u32
  /** The table, plain or packed. */
  weight: Tensor; // [V, C]
  y: Tensor; // [T, C]
}

/** y[t] = weight[ids[t]]. Ids are below V or `NO_TOKEN`; the caller checks them. */
export function tokenEmbed(recorder: Recorder, { ids, weight, y }: TokenEmbedArgs): void {
  const [rows, width] = matrixShape("token-embed y", y);
  checkShape("token-embed ids", ids, [rows]);
  checkShape("token-embed weight", weight, [weight.shape[0] ?? 0, width]);
  const { part, key, texts } = chooseWeight(weight);
  const params = { rows, width: width / part.width, scales: scalesOffset(weight) };
  const grid = elementGrid(rows * params.width, 64);
  recorder.dispatch(kernel.variant({ libs: { key, texts } }), { ids, weight, y }, params, grid);
}
