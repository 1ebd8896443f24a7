/** Buffers of one chunk of rows, which all layers of a decoder use in turn. */
import type { Arena } from "../../gpu/arena.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { deltaWidth } from "../../kernels/delta-rule.ts";
import type { AttentionSpec, DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import { deltaMixing, deltaScratch } from "./delta-sizes.ts";

/** The most rows of a chunk in an MLP at once: its buffers are the widest, and its rows are independent. */
export const MAX_MLP_ROWS = 512;

/** Buffers of a chunk of at most R rows; those of the MLP have M rows, the smaller of R and MAX_MLP_ROWS. */
export interface Workspace {
  hidden: Tensor; // [R, W]
  normed: Tensor; // [R, W]
  /**
   * The first product of a layer: queries, keys and values, or the input of a convolution; also gates of the output.
   */
  mixing: Tensor; // [R, (H + 2 Hk) D, for cross-attention H D, or 3 W]
  /** Queries; for a gated delta rule queries, keys and values after their convolution. */
  q: Tensor; // [R, H D]
  mixed: Tensor; // [R, H D or W]
  /** For gated delta rules, see kernels/delta-pairs.ts. */
  gates: Tensor; // [R, 2 Hv]
  pairs: Tensor; // [R, Hv * 2 * DELTA_CHUNK]
  scales: Tensor; // [R, Hv * 4]
  gateUp: Tensor; // [M, 2 F]
  mlp: Tensor; // [M, F]
}

function queryWidth({ heads, headWidth }: Pick<AttentionSpec, "heads" | "headWidth">): number {
  return heads * headWidth;
}

/** Columns of a layer's first product. @param width of the decoder */
export function mixingWidth({ attention, delta, cross }: LayerSpec, width: number): number {
  if (delta) return deltaMixing(delta);
  if (cross) return queryWidth(cross);
  if (!attention) return 3 * width;
  const { keyHeads, headWidth, outputGate } = attention;
  return (outputGate ? 2 : 1) * queryWidth(attention) + 2 * keyHeads * headWidth;
}

/** Columns of the input of the last product in a layer's first half. @param width of the decoder */
export function mixedWidth({ attention, delta, cross }: LayerSpec, width: number): number {
  if (delta) return delta.valueHeads * delta.valueWidth;
  const attends = attention ?? cross;
  return attends ? queryWidth(attends) : width;
}

/** Elements of a row in each buffer of the workspace: the needs of the widest layer. */
function workspaceWidths({ width, layers }: DecoderSpec): Record<keyof Workspace, number> {
  const most = (size: (layer: LayerSpec) => number) => Math.max(...layers.map(size));
  const scratch = (name: keyof ReturnType<typeof deltaScratch>) =>
    most(({ delta }) => (delta ? deltaScratch(delta)[name] : 1));
  return {
    hidden: width,
    normed: width,
    mixing: most((layer) => mixingWidth(layer, width)),
    q: most(({ attention, delta, cross }) => {
      const attends = attention ?? cross;
      return attends ? queryWidth(attends) : delta ? deltaWidth(delta) : 1;
    }),
    mixed: most((layer) => mixedWidth(layer, width)),
    gates: scratch("gates"),
    pairs: scratch("pairs"),
    scales: scratch("scales"),
    gateUp: most(({ mlp }) => (mlp.gated === false ? 1 : 2 * mlp.width)),
    mlp: most(({ mlp }) => mlp.width),
  };
}

/** Elements of a row of a chunk in the whole workspace. */
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
