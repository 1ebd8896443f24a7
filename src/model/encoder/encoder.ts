/**
 * The vision encoder: a pre-norm transformer (Dosovitskiy et al. 2021) over one batch of views. Pixels in, hidden states
 * out, all on the GPU. Rows stand in cell order: [view][class token, if any][cell][seat]; see shaders/lib/cells.wgsl.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { importance } from "../../kernels/importance.ts";
import { linear } from "../../kernels/linear.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import { initialOrigins, originWords } from "../../kernels/origins.ts";
import { patches } from "../../kernels/patches.ts";
import { visionEmbed } from "../../kernels/vision-embed.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "../compression/plan.ts";
import { compressStage, type StageTensors } from "../compression/stage.ts";
import { viewRanges } from "../decoder/visible.ts";
import type { Weights } from "../load/fill.ts";
import { Blocks, type BlocksWorkspace } from "./blocks.ts";
import { resizedTable } from "./resized-table.ts";

/** Cells of a view before any compression. */
export function cellCount({ rows, cols }: Grid, { cell }: Pick<EncoderSpec, "cell">): number {
  return (rows / cell) * (cols / cell);
}

/** Buffers of one batch: B views of T rows each. */
interface Workspace extends BlocksWorkspace {
  hidden: Tensor; // [B * T, C]
  /** Stages read one of the two and write the other. */
  compressed: Tensor; // [B * T, C]
}

export interface EncodeOptions {
  grid: Grid;
  /** The same for every view of the batch. */
  plan: ViewPlan;
  /** Owns the tensors of the stages. */
  kept: Arena;
  /** Owns everything else, until the work is submitted. */
  scratch: Arena;
  /** Whether stages keep a copy of their tokens. */
  keepTokens?: boolean | undefined;
  /** Called with the hidden states before block 0 and after each block; may record copies. */
  onHidden?: ((index: number, hidden: Tensor) => void) | undefined;
}

/** Hidden states after the last block that runs, and after the last norm where the model has one. */
export interface Encoded {
  /** B */
  views: number;
  /** n, cells left of each view. */
  cells: number;
  hidden: Tensor; // [B * (first + n * S), C]
  /** Packed queries, keys and values of the last block. */
  qkv: Tensor; // [B * (first + n * S), 3 * C]
  stages: StageTensors[];
  origins: Tensor; // [B, n, W + 1] u32
  /** Importance by the last block that ran, where the plan selects cells after the encoder. */
  scores: Tensor | undefined; // [B, n]
}

export class Encoder {
  readonly spec: EncoderSpec;
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #weights: Weights;
  readonly #blocks: Blocks;

  constructor(gpu: Pick<GpuMemory, "upload">, weights: Weights, spec: EncoderSpec) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.spec = spec;
    this.#blocks = new Blocks(weights, "encoder", spec);
  }

  /** Rows before the patches of each view: the class token. */
  get first(): number {
    return this.spec.classToken ? 1 : 0;
  }

  /** S, seats of a cell. */
  get seats(): number {
    return this.spec.cell ** 2;
  }

  /**
   * Runs the blocks on a batch of views.
   *
   * @param pixels [B, 3, H, W], normalised
   */
  encode(recorder: Recorder, pixels: Tensor, options: EncodeOptions): Encoded {
    const { grid, plan, kept, scratch, onHidden } = options;
    const { runBlocks, width } = this.spec;
    const views = pixels.shape[0]!;
    let cells = cellCount(grid, this.spec);
    const space = this.#workspace(scratch, views * this.#viewRows(cells));
    let hidden = this.#embed(recorder, space, pixels, grid, scratch);
    onHidden?.(0, hidden);
    const stages: StageTensors[] = [];
    let origins = this.#initialOrigins(kept, views, cells);
    let visible = this.#visible(scratch, views, cells);
    let scores: Tensor | undefined;
    for (let block = 0; block < runBlocks; block++) {
      const stage = plan.method === "vmtc" ? plan.stages.find((candidate) => candidate.block === block) : undefined;
      const selectsAfter = block + 1 === runBlocks && (plan.method === "prune-last" || plan.method === "prumerge");
      this.#blocks.attend(recorder, space, block, hidden, visible);
      if (stage || selectsAfter) scores = this.#importance(recorder, space, views, cells, kept);
      if (stage && plan.method === "vmtc") {
        cells = stage.tokens;
        const output = view(hidden.buffer === space.hidden.buffer ? space.compressed : space.hidden, [
          views * this.#viewRows(cells),
          width,
        ]);
        const { iterations, normalized } = plan;
        const rules = { plan: stage, iterations, normalized, first: this.first, seats: this.seats };
        const done = compressStage(recorder, { ...rules, scores: scores!, origins, hidden, output, kept, scratch });
        if (options.keepTokens) done.tokens = copyOf(recorder, output, kept);
        stages.push(done);
        origins = done.origins;
        hidden = output;
        scores = undefined;
        visible = this.#visible(scratch, views, cells);
      }
      this.#blocks.mlp(recorder, space, block, hidden);
      onHidden?.(block + 1, hidden);
    }
    if (this.spec.postNorm) {
      const normed = view(space.normed, hidden.shape);
      this.#blocks.norm(recorder, "encoder.norm", hidden, normed);
      hidden = normed;
    }
    const qkv = view(space.qkv, [hidden.shape[0]!, 3 * width]);
    return { views, cells, hidden, qkv, stages, origins, scores };
  }

  /** Class logits [1, classes] of a classifier, from the class token of the only view. */
  classify(recorder: Recorder, { hidden }: Encoded, logits: Tensor): void {
    const weight = this.#weights.matrix("classifier.weight");
    const bias = this.#weights.get("classifier.bias");
    linear(recorder, { x: view(hidden, [1, this.spec.width]), weight, bias, y: logits });
  }

  /** Heads of the packed product, for kernels. */
  get heads(): Blocks["heads"] {
    return this.#blocks.heads;
  }

  /** Queries (0), keys (1) or values (2) in the packed product. */
  packed(qkv: Tensor, part: 0 | 1 | 2): HeadRows {
    return this.#blocks.packed(qkv, part);
  }

  #viewRows(cells: number): number {
    return this.first + cells * this.seats;
  }

  #workspace(arena: Arena, rows: number): Workspace {
    const { width } = this.spec;
    return {
      hidden: arena.tensor("encoder hidden", [rows, width]),
      compressed: arena.tensor("encoder compressed", [rows, width]),
      ...this.#blocks.workspace(arena, rows),
    };
  }

  #initialOrigins(arena: Arena, views: number, cells: number): Tensor {
    const origins = arena.tensor("cell origins", [views, cells, originWords(cells)], "u32");
    this.#gpu.upload(origins, initialOrigins(cells, views));
    return origins;
  }

  #visible(arena: Arena, views: number, cells: number): Tensor {
    const rows = this.#viewRows(cells);
    const visible = arena.tensor("rows that a row sees", [views * rows, 2], "u32");
    this.#gpu.upload(visible, viewRanges(views, rows));
    return visible;
  }

  /** Embeddings with positions, after the norm before the blocks; [B * T, C] in the workspace. */
  #embed(recorder: Recorder, { hidden, normed }: Workspace, pixels: Tensor, grid: Grid, scratch: Arena) {
    const { rows, cols } = grid;
    const { width, patch, cell, preNorm } = this.spec;
    const weights = this.#weights;
    const count = pixels.shape[0]! * rows * cols;
    const patchRows = scratch.tensor("patch rows", [count, 3 * patch.side ** 2]);
    const patchEmbeddings = scratch.tensor("patch embeddings", [count, width]);
    const { side: patchSize, channelsLast } = patch;
    patches(recorder, { pixels, y: patchRows, patchSize, cell, channelsLast });
    const weight = weights.matrix("encoder.patch.weight");
    linear(recorder, { x: patchRows, weight, bias: weights.find("encoder.patch.bias"), y: patchEmbeddings });
    const y = preNorm ? normed : hidden;
    const positions = this.#positions(recorder, grid, scratch);
    const classEmbedding = weights.find("encoder.class");
    visionEmbed(recorder, { patchEmbeddings, classEmbedding, positions, y, cols, cell });
    if (preNorm) this.#blocks.norm(recorder, "encoder.preNorm", normed, hidden);
    return hidden;
  }

  /** Positions of a view's patches in raster order, after the class token's if there is one. */
  #positions(recorder: Recorder, grid: Grid, scratch: Arena): Tensor {
    const x = this.#weights.get("encoder.positions");
    const { table } = this.spec.positions;
    if (!table) return x;
    const resized = resizedTable(table, grid, this.first);
    const rows = this.first + grid.rows * grid.cols;
    const sources = scratch.tensor("sources of positions", [rows, resized.taps], "u32");
    const weights = scratch.tensor("weights of positions", [rows, resized.taps]);
    const y = scratch.tensor("positions", [rows, this.spec.width]);
    this.#gpu.upload(sources, resized.sources);
    this.#gpu.upload(weights, resized.weights);
    mixRows(recorder, { x, sources, weights, y, accumulate: false });
    return y;
  }

  /** Importance of the cells by the block whose attention is in the workspace, [B, n] of `kept`. */
  #importance(recorder: Recorder, space: Workspace, views: number, cells: number, kept: Arena): Tensor {
    const { classToken, heads } = this.spec;
    const rows = views * this.#viewRows(cells);
    const scores = kept.tensor("importance", [views, cells]);
    const qkv = view(space.qkv, [rows, 3 * this.spec.width]);
    const logSumExp = view(space.logSumExp, [rows, heads]);
    const operands = { q: this.packed(qkv, 0), k: this.packed(qkv, 1), logSumExp };
    importance(recorder, { ...operands, scores, classToken, seats: this.seats, ...this.heads });
    return scores;
  }
}

function copyOf(recorder: Recorder, x: Tensor, arena: Arena): Tensor {
  const y = arena.tensor("stage tokens", x.shape);
  copyRows(recorder, { x, y, xRow: 0, yRow: 0, rows: x.shape[0]! });
  return y;
}
