/** Buffers of one chunk of rows, which all layers of a decoder use in turn. */
import type { Arena } from "../../gpu/arena.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { deltaWidth } from "../../kernels/delta-step.ts";
import type { AttentionSpec, DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import { deltaMixing, deltaScratch } from "./delta-sizes.ts";

/** Rows of a chunk that go through an MLP at once, at most: its buffers are the widest, and its rows need no others. */
export const MAX_MLP_ROWS = 512;

/** Buffers of a chunk of at most R rows; those of the MLP have M rows, R but for long chunks. */
export interface Workspace {
  hidden: Tensor; // [R, W]
  normed: Tensor; // [R, W]
  /** The first product of a layer: queries, keys and values, or what a convolution reads; gates of the output, too. */
  mixing: Tensor; // [R, (H + 2 Hk) D or 3 W]
  /** Queries; of a gated delta rule queries, keys and values after their convolution. */
  q: Tensor; // [R, H D]
  mixed: Tensor; // [R, H D or W]
  /** Of gated delta rules, see kernels/delta-pairs.ts. */
  gates: Tensor; // [R, 2 Hv]
  pairs: Tensor; // [R, Hv * 2 * DELTA_CHUNK]
  scales: Tensor; // [R, Hv * 4]
  gateUp: Tensor; // [M, 2 F]
  mlp: Tensor; // [M, F]
}

function queryWidth({ heads, headWidth }: AttentionSpec): number {
  return heads * headWidth;
}

/** Columns of a layer's first product. @param width of the decoder */
export function mixingWidth({ attention, delta }: LayerSpec, width: number): number {
  if (delta) return deltaMixing(delta);
  if (!attention) return 3 * width;
  const { keyHeads, headWidth, outputGate } = attention;
  return (outputGate ? 2 : 1) * queryWidth(attention) + 2 * keyHeads * headWidth;
}

/** Columns of what the product reads that leads out of a layer's first half. @param width of the decoder */
export function mixedWidth({ attention, delta }: LayerSpec, width: number): number {
  if (delta) return delta.valueHeads * delta.valueWidth;
  return attention ? queryWidth(attention) : width;
}

/** Elements that a row of a chunk takes in each buffer of the workspace: what the widest layer needs. */
function workspaceWidths({ width, layers }: DecoderSpec): Record<keyof Workspace, number> {
  const most = (size: (layer: LayerSpec) => number) => Math.max(...layers.map(size));
  const scratch = (name: keyof ReturnType<typeof deltaScratch>) =>
    most(({ delta }) => (delta ? deltaScratch(delta)[name] : 1));
  return {
    hidden: width,
    normed: width,
    mixing: most((layer) => mixingWidth(layer, width)),
    q: most(({ attention, delta }) => (attention ? queryWidth(attention) : delta ? deltaWidth(delta) : 1)),
    mixed: most((layer) => mixedWidth(layer, width)),
    gates: scratch("gates"),
    pairs: scratch("pairs"),
    scales: scratch("scales"),
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
