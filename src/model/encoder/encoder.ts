/**
 * The vision encoder: a pre-norm transformer (Dosovitskiy et al. 2021) over one batch of views. Pixels in, hidden
 * states out, all on the GPU. Rows are in cell order: [view][class token, if any][cell][seat]; see
 * shaders/lib/cells.wgsl.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyOf } from "../../kernels/copy-rows.ts";
import { gatherCells } from "../../kernels/gather-cells.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { importance } from "../../kernels/importance.ts";
import { linear } from "../../kernels/linear.ts";
import { initialOwners } from "../../kernels/owners.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "../compression/plan.ts";
import { compressStage, type StageTensors } from "../compression/stage.ts";
import type { Weights } from "../load/fill.ts";
import { Blocks, type BlocksWorkspace, type Operands } from "./blocks.ts";
import { cellCount, seatsOf } from "./cell-count.ts";
import { embedPatches } from "./patch-embedding.ts";
import { RotaryPositions } from "./rotary.ts";
import { viewRanges } from "./view-ranges.ts";
import { type WindowTensors, windowTensors } from "./window-tensors.ts";
import { windowOrder } from "./windows.ts";

/** Buffers of one batch: B views of T rows each. */
interface Workspace extends BlocksWorkspace {
  hidden: Tensor; // [B * T, C]
  /** Stages read one of the two and write the other. */
  compressed: Tensor; // [B * T, C]
}

type VmtcPlan = Extract<ViewPlan, { method: "vmtc" }>;

interface StageInputs {
  plan: VmtcPlan;
  stage: VmtcPlan["stages"][number];
  /** Importance of the cells. */
  scores: Tensor; // [B, n]
  owners: Tensor; // [B, n] u32
  hidden: Tensor;
  /** Outputs of tapped blocks, which lose the same cells. */
  tapped: readonly Tensor[];
}

export interface EncodeOptions {
  grid: Grid;
  /** The same for every view of the batch. */
  plan: ViewPlan;
  /** Owns the tensors of the stages. */
  kept: Arena;
  /** Owns all other tensors, until the work is submitted. */
  scratch: Arena;
  /** True if stages keep a copy of their tokens. */
  keepTokens?: boolean | undefined;
  /** Called with the hidden states before block 0 and after each block; may record copies. */
  onHidden?: ((index: number, hidden: Tensor) => void) | undefined;
}

/** Hidden states after the last block that runs, and after the last norm where the model has one. */
export interface Encoded {
  /** B */
  views: number;
  /** n, remaining cells of each view. */
  cells: number;
  hidden: Tensor; // [B * (first + n * S), C]
  /** Outputs of the blocks that the spec taps, with the same cells. */
  taps: readonly Tensor[]; // [B * (first + n * S), C]
  /** Keys that the last block's attention read; undefined without a block. */
  keys: HeadRows | undefined; // B * (first + n * S) rows
  stages: StageTensors[];
  owners: Tensor; // [B, n] u32
  /** Importance by the last block that ran, where the plan selects cells after the encoder. */
  scores: Tensor | undefined; // [B, n]
}

/** Records the vision encoder for batches of views. Weights belong to the caller. */
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
    return seatsOf(this.spec);
  }

  /**
   * Runs the blocks on a batch of views.
   *
   * @param pixels [B, 3, H, W], normalised
   */
  encode(recorder: Recorder, pixels: Tensor, options: EncodeOptions): Encoded {
    const { grid, plan, kept, scratch, onHidden } = options;
    const { runBlocks, taps = [] } = this.spec;
    const views = pixels.shape[0]!;
    let cells = cellCount(grid, this.spec);
    const rows = views * this.#viewRows(cells);
    if (runBlocks === 0) return this.#embedAlone(recorder, pixels, options);
    const space = this.#workspace(scratch, rows);
    const rotary = this.spec.rope && new RotaryPositions(this.#gpu, scratch, this.spec, { grid, rows });
    let tapped: Tensor[] = [];
    let hidden = this.#embed(recorder, space, pixels, grid, scratch);
    onHidden?.(0, hidden);
    const stages: StageTensors[] = [];
    let owners = this.#initialOwners(kept, views, cells);
    let visible = this.#visible(scratch, viewRanges(views, this.#viewRows(cells)));
    const windows = this.lastWindowedBlock < 0 ? undefined : this.#windows(scratch, grid, views);
    rotary?.placeInOrder(windows ? windows.order : rasterCells(cells), views);
    if (windows) hidden = this.#reorder(recorder, space, hidden, windows.toWindows);
    let scores: Tensor | undefined;
    let operands: Operands | undefined;
    for (let block = 0; block < runBlocks; block++) {
      const stage = plan.method === "vmtc" ? plan.stages.find((candidate) => candidate.block === block) : undefined;
      const selectsAfter = block + 1 === runBlocks && (plan.method === "prune-last" || plan.method === "prumerge");
      const seen = windows && !this.#seesAll(block) ? windows.visible : visible;
      operands = this.#blocks.attend(recorder, space, { block, hidden, visible: seen, rotary });
      if (stage || selectsAfter) scores = this.#importance(recorder, space, operands, { views, cells, kept });
      if (stage && plan.method === "vmtc") {
        const compressed = this.#compress(
          recorder,
          space,
          { plan, stage, scores: scores!, owners, hidden, tapped },
          options,
        );
        stages.push(compressed.stage);
        ({ hidden, tapped } = compressed);
        ({ owners } = compressed.stage);
        cells = stage.tokens;
        scores = undefined;
        visible = this.#visible(scratch, viewRanges(views, this.#viewRows(cells)));
        rotary?.placeByOwners(recorder, owners);
      }
      this.#blocks.mlp(recorder, space, block, hidden);
      if (windows && block === this.lastWindowedBlock) {
        hidden = this.#reorder(recorder, space, hidden, windows.toRaster);
        rotary?.placeInOrder(rasterCells(cells), views);
      }
      if (taps.includes(block)) tapped.push(copyOf(recorder, hidden, scratch, "tapped rows"));
      onHidden?.(block + 1, hidden);
    }
    if (this.spec.postNorm) {
      const normed = view(space.normed, hidden.shape);
      this.#blocks.norm(recorder, "encoder.norm", hidden, normed, this.spec.postNormEps);
      hidden = normed;
    }
    return { views, cells, hidden, taps: tapped, keys: operands?.k, stages, owners, scores };
  }

  /** Compresses the cells by a stage, into the other buffer of hidden states. */
  #compress(
    recorder: Recorder,
    space: Workspace,
    { plan, stage, scores, owners, hidden, tapped }: StageInputs,
    { kept, scratch, keepTokens }: EncodeOptions,
  ) {
    const left = [owners.shape[0]! * this.#viewRows(stage.tokens), this.spec.width] as const;
    const output = view(this.#otherOf(space, hidden), left);
    const carried = tapped.map((x) => ({ x, y: scratch.tensor("tapped rows", left) }));
    const { iterations, normalized } = plan;
    const rules = { plan: stage, iterations, normalized, first: this.first, seats: this.seats };
    const done = compressStage(recorder, { ...rules, scores, owners, hidden, output, carried, kept, scratch });
    if (keepTokens) done.tokens = copyOf(recorder, output, kept, "stage tokens");
    return { stage: done, hidden: output, tapped: carried.map(({ y }) => y) };
  }

  /** The embeddings of an encoder without blocks: no workspace, no stages. */
  #embedAlone(recorder: Recorder, pixels: Tensor, { grid, kept, scratch, onHidden }: EncodeOptions): Encoded {
    const views = pixels.shape[0]!;
    const cells = cellCount(grid, this.spec);
    const hidden = scratch.tensor("encoder hidden", [views * this.#viewRows(cells), this.spec.width]);
    const model = { gpu: this.#gpu, weights: this.#weights, spec: this.spec };
    embedPatches(recorder, model, { pixels, grid, y: hidden, scratch });
    onHidden?.(0, hidden);
    const owners = this.#initialOwners(kept, views, cells);
    return { views, cells, hidden, taps: [], keys: undefined, stages: [], owners, scores: undefined };
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

  /** The last block that runs and attends inside windows, or -1. */
  get lastWindowedBlock(): number {
    for (let block = this.spec.runBlocks - 1; block >= 0; block--) if (!this.#seesAll(block)) return block;
    return -1;
  }

  #seesAll(block: number): boolean {
    const { windows } = this.spec;
    return !windows || windows.whole.includes(block);
  }

  /** The other of the two buffers of hidden states. */
  #otherOf({ hidden, compressed }: Workspace, current: Tensor): Tensor {
    return current.buffer === hidden.buffer ? compressed : hidden;
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

  #initialOwners(arena: Arena, views: number, cells: number): Tensor {
    const owners = arena.tensor("cell owners", [views, cells], "u32");
    this.#gpu.upload(owners, initialOwners(cells, views));
    return owners;
  }

  #visible(arena: Arena, ranges: Uint32Array): Tensor {
    const visible = arena.tensor("rows that a row sees", [ranges.length / 2, 2], "u32");
    this.#gpu.upload(visible, ranges);
    return visible;
  }

  /** Reorders the cells of all views, into the other buffer of the workspace. @param order [B, N] */
  #reorder(recorder: Recorder, space: Workspace, x: Tensor, order: Tensor): Tensor {
    const y = view(this.#otherOf(space, x), x.shape);
    gatherCells(recorder, { x, order, y, first: this.first, seats: this.seats });
    return y;
  }

  /** Embeddings with positions, after the norm before the blocks; [B * T, C] in the workspace. */
  #embed(recorder: Recorder, { hidden, normed }: Workspace, pixels: Tensor, grid: Grid, scratch: Arena) {
    const { preNorm } = this.spec;
    const model = { gpu: this.#gpu, weights: this.#weights, spec: this.spec };
    embedPatches(recorder, model, { pixels, grid, y: preNorm ? normed : hidden, scratch });
    if (preNorm) this.#blocks.norm(recorder, "encoder.preNorm", normed, hidden);
    return hidden;
  }

  #windows(scratch: Arena, { rows, cols }: Grid, views: number): WindowTensors {
    const { windows, cell } = this.spec;
    const order = windowOrder({ rows: rows / cell, cols: cols / cell }, windows!.side);
    return windowTensors(this.#gpu, scratch, order, { views, seats: this.seats });
  }

  /** Importance of the cells by the block whose attention is in the workspace, [B, n] of `kept`. */
  #importance(
    recorder: Recorder,
    space: Workspace,
    { q, k }: Operands,
    { views, cells, kept }: { views: number; cells: number; kept: Arena },
  ): Tensor {
    const { classToken, heads } = this.spec;
    const scores = kept.tensor("importance", [views, cells]);
    const logSumExp = view(space.logSumExp, [views * this.#viewRows(cells), heads]);
    importance(recorder, { q, k, logSumExp, scores, classToken, seats: this.seats, ...this.heads });
    return scores;
  }
}

/** The cells of a view in raster order. */
function rasterCells(cells: number): Uint32Array {
  return Uint32Array.from({ length: cells }, (_, i) => i);
}
