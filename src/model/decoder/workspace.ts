/** Buffers of one chunk of rows, which all layers of a decoder use in turn. */
import type { Arena } from "../../gpu/arena.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";

/** Rows of a chunk that go through an MLP at once, at most: its buffers are the widest, and its rows need no others. */
export const MAX_MLP_ROWS = 512;

/** Buffers of a chunk of at most R rows; those of the MLP have M rows, R but for long chunks. */
export interface Workspace {
  hidden: Tensor; // [R, W]
  normed: Tensor; // [R, W]
  /** The first product of a layer: queries, keys and values, or what a convolution reads. */
  mixing: Tensor; // [R, (H + 2 Hk) D or 3 W]
  q: Tensor; // [R, H D]
  mixed: Tensor; // [R, H D or W]
  gateUp: Tensor; // [M, 2 F]
  mlp: Tensor; // [M, F]
}

/** Elements that a row of a chunk takes in each buffer of the workspace: what the widest layer needs. */
function workspaceWidths({ width, layers }: DecoderSpec): Record<keyof Workspace, number> {
  const most = (size: (layer: LayerSpec) => number) => Math.max(...layers.map(size));
  const queries = most(({ attention }) => (attention ? attention.heads * attention.headWidth : 1));
  return {
    hidden: width,
    normed: width,
    mixing: most(({ attention }) =>
      attention ? (attention.heads + 2 * attention.keyHeads) * attention.headWidth : 3 * width,
    ),
    q: queries,
    mixed: most(({ attention }) => (attention ? queries : width)),
    gateUp: most(({ mlp }) => (mlp.gated === false ? 1 : 2 * mlp.width)),
    mlp: most(({ mlp }) => mlp.width),
  };
}

/** Elements that a row of a chunk takes in the workspace. */
export function rowElements(spec: DecoderSpec): number {
  return Object.values(workspaceWidths(spec)).reduce((sum, width) => sum + width, 0);
}

/** Takes its buffers from `arena`, which owns them. */
export function makeWorkspace(arena: Arena, spec: DecoderSpec, rows: number): Workspace {
  const mlpRows = Math.min(rows, MAX_MLP_ROWS);
  const rowsOf = (name: string) => (name === "gateUp" || name === "mlp" ? mlpRows : rows);
  const buffers = Object.entries(workspaceWidths(spec)).map(([name, width]) => [
    name,
    arena.tensor(name, [rowsOf(name), width]),
  ]);
  return Object.fromEntries(buffers) as Workspace;
}
