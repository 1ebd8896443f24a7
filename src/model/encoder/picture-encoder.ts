/**
 * Runs pictures through encoder, compression and connector, batch by batch on the GPU. The result stays there in an
 * arena of its own, so that the next question can reuse it.
 */

import type { Compression } from "../../api.ts";
import { throwIfAborted } from "../../errors.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { readFloats } from "../../gpu/readback.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { initialOwners } from "../../kernels/owners.ts";
import { countOutliers } from "../../kernels/prumerge.ts";
import { assert } from "../../shared/assert.ts";
import type { EncoderSpec, ModelSpec } from "../../spec/model-spec.ts";
import type { PicturePlan } from "../../spec/picture-spec.ts";
import { selectCells } from "../compression/baselines.ts";
import { rowOwners } from "../compression/owners.ts";
import { type RowPlan, standardCompression } from "../compression/plan.ts";
import { isRowMethod, ROW_METHODS } from "../compression/rows/registry.ts";
import { type SelectRowsArgs, selectRows } from "../compression/rows/select-rows.ts";
import { Connector } from "../connector/connector.ts";
import { connectorRows } from "../connector/connector-rows.ts";
import type { QueriedViews } from "../connector/queries.ts";
import { queriesOf } from "../connector/row-count.ts";
import type { Weights } from "../load/fill.ts";
import type { Placement } from "../picture-rows.ts";
import { RowArranger } from "./arranged-rows.ts";
import { batchViews, type ViewBatch, viewsAtOnce } from "./batches.ts";
import { cellCount } from "./cell-count.ts";
import type { EncodedBatch, EncodedPicture } from "./encoded-picture.ts";
import { type Encoded, Encoder } from "./encoder.ts";
import { Pooling } from "./pooling.ts";
import { RowPlanner } from "./row-planner.ts";

export interface EncodePictureOptions {
  compression: Compression;
  /** True if stages keep a copy of their tokens, and batches their features. */
  keepAll?: boolean;
  /** Ids of the question, for a model whose pictures' rows depend on it. */
  question?: readonly number[] | undefined;
  signal?: AbortSignal | undefined;
}

interface BatchArenas {
  kept: Arena;
  /** Owns the projected rows. */
  projected: Arena;
  scratch: Arena;
}

/** The parts of a batch to keep, and the question that its rows depend on. */
type Finish = Pick<EncodePictureOptions, "keepAll" | "question">;

/** Runs preprocessing, encoder and connector for whole pictures, in batches of views. */
export class PictureEncoder {
  readonly spec: EncoderSpec;
  readonly rows: RowPlanner;
  readonly #gpu: GpuMemory;
  readonly #arena: Arena;
  readonly #encoder: Encoder;
  readonly #connector: Connector | undefined;
  readonly #tapConnectors: readonly Connector[];
  readonly #arranger: RowArranger | undefined;
  readonly #classes: number;
  readonly #pooling: Pooling | undefined;
  /** The most ids of a question that rows depend on. */
  readonly #mostQuestion: number;
  /** True if the decoder's positions are on several axes. */
  readonly #placesCells: boolean;

  /** Takes the memory of each picture from scopes of `arena`. */
  constructor(gpu: GpuMemory, arena: Arena, weights: Weights, model: ModelSpec & { encoder: EncoderSpec }) {
    this.spec = model.encoder;
    this.#gpu = gpu;
    this.#arena = arena;
    this.#encoder = new Encoder(gpu, weights, model.encoder);
    const order = model.pictures?.order;
    if (order) this.#arranger = new RowArranger(gpu, arena, weights, order, (grid) => this.rows.cellGrid(grid));
    this.rows = new RowPlanner(model, this.#arranger);
    this.#mostQuestion = queriesOf(model.connector)?.text?.maxTokens ?? 0;
    this.#classes = model.classes?.length ?? 0;
    if (model.pooling) this.#pooling = new Pooling(gpu, weights, model.encoder, model.pooling);
    this.#placesCells = model.decoder?.rope.axisOfPair !== undefined;
    assert(!this.#placesCells || !this.spec.keepClassToken, "positions on several axes of a class token");
    if (model.connector.length > 0 || model.decoder) this.#connector = new Connector(gpu, weights, model.connector);
    this.#tapConnectors = (model.tapConnectors ?? []).map((steps) => new Connector(gpu, weights, steps));
    assert(this.#tapConnectors.length === (this.spec.taps ?? []).length, "a connector for each tap of the encoder");
    assert(!order || this.#tapConnectors.length === 0, "taps of views whose rows are arranged");
  }

  /** The paper's compression, with the stages in blocks that this encoder runs. */
  get standardCompression(): Compression {
    return standardCompression(this.spec);
  }

  /** The batches of a picture's views. Throws as `planViews`. */
  batches(plan: PicturePlan, compression: Compression): ViewBatch[] {
    const plans = this.rows.planPicture(plan, compression);
    const { maxStorageBufferBindingSize } = this.#gpu.device.limits;
    return batchViews(plan.views, plans, (grid) => viewsAtOnce(this.spec, grid, maxStorageBufferBindingSize));
  }

  /**
   * Encodes a picture. Waits for the GPU between batches, so that only one batch's working memory exists at a time.
   *
   * @param gpu the device that this encoder's weights are on
   * @param batches as `batches` gave them
   * @param pixels of each batch [B, 3, H, W], normalised; not kept
   * @throws FoveaError `out-of-memory`, `aborted`
   */
  async encode(
    gpu: Gpu,
    plan: PicturePlan,
    batches: readonly ViewBatch[],
    pixels: readonly Tensor[],
    { compression, signal, ...rest }: EncodePictureOptions,
  ): Promise<EncodedPicture> {
    const arena = this.#arena.scope();
    // Rows that are arranged afterwards are not kept.
    const projected = this.#arranger ? this.#arena.scope() : arena;
    try {
      const encoded: EncodedBatch[] = [];
      for (const [i, batch] of batches.entries()) {
        if (i > 0) await gpu.idle();
        throwIfAborted(signal, "the encoding of a picture");
        encoded.push(await this.#encodeBatch(gpu, { kept: arena, projected }, batch, pixels[i]!, rest));
      }
      const rowsOfView = plan.views.map((_, index) => encoded.find(({ views }) => views.includes(index))!.rows);
      const cellGrids = plan.views.map(({ grid }) => this.rows.cellGrid(grid));
      const picture = { arena, plan, cellGrids, batches: encoded, rowsOfView };
      if (this.#arranger) {
        const plans = batches.map((batch) => batch.plan);
        const arranged = await this.#arranger.arrange(gpu, arena, plan, encoded, plans);
        return { ...picture, batches: encoded.map(({ projected: _, ...batch }) => batch), arranged };
      }
      if (this.#placesCells) return { ...picture, owners: await this.#owners(gpu, encoded, batches) };
      const isPlaced = compression.method === "vmtc" && compression.positions === "original";
      return { ...picture, ...(isPlaced && { placed: this.#placement(encoded[0]!) }) };
    } catch (error) {
      arena.dispose();
      throw error;
    } finally {
      if (projected !== arena) projected.dispose();
    }
  }

  /** Records all work for pictures of these plans, to compile it ahead. */
  rehearse(recorder: Recorder, ...pictures: readonly PicturePlan[]): void {
    const byShape = new Map(pictures.map((picture) => [JSON.stringify(picture.views[0]!.grid), picture]));
    for (const picture of byShape.values()) this.#rehearse(recorder, picture);
  }

  #rehearse(recorder: Recorder, picture: PicturePlan): void {
    const one = { ...picture, views: picture.views.slice(0, 1) };
    const { grid, width, height } = one.views[0]!;
    for (const compression of [{ method: "none" } as const, this.standardCompression]) {
      const arena = this.#arena.scope();
      const pixels = arena.tensor("pixels", [1, 3, height, width]);
      const [plan] = this.rows.planViews(compression, [grid]);
      const batch = { views: [0], grid, plan: plan! };
      const arenas = { kept: arena, projected: arena, scratch: arena };
      const encoded = this.#encoder.encode(recorder, pixels, { ...batch, ...arenas, keepTokens: true });
      const finished = this.#finish(recorder, encoded, batch, arenas, this.#longest(1));
      this.#arranger?.record(recorder, one, [finished], undefined, arenas);
      // Freed before the next one: otherwise a load would need the memory of two pictures.
      arena.dispose();
    }
  }

  /**
   * GPU bytes to encode a picture: pixel values, a batch's working memory, kept results. The encoding runs without
   * compression, then with the standard one. Needs a counting GPU, whose peak is that of this call.
   */
  planBytes(recorder: Recorder, plan: PicturePlan): number {
    const before = this.#arena.bytes;
    for (const compression of [{ method: "none" } as const, this.standardCompression]) {
      const kept = this.#arena.scope();
      const batches = this.batches(plan, compression);
      const pixels = batches.map(({ views }) => {
        const { width, height } = plan.views[views[0]!]!;
        return kept.tensor("pixels", [views.length, 3, height, width]);
      });
      const projected = this.#arranger ? this.#arena.scope() : kept;
      const finished = batches.map((batch, i) => {
        const arenas = { kept, projected, scratch: this.#arena.scope() };
        const encoded = this.#encoder.encode(recorder, pixels[i]!, { ...batch, ...arenas });
        const done = this.#finish(recorder, encoded, batch, arenas, this.#longest(Number.POSITIVE_INFINITY));
        arenas.scratch.dispose();
        return done;
      });
      this.#arranger?.planBytes(recorder, plan, finished, kept);
      if (projected !== kept) projected.dispose();
      kept.dispose();
    }
    return this.#arena.peakBytes - before;
  }

  async #encodeBatch(
    gpu: Gpu,
    arenas: Omit<BatchArenas, "scratch">,
    batch: ViewBatch,
    pixels: Tensor,
    finish: Finish,
  ): Promise<EncodedBatch> {
    const scratch = this.#arena.scope();
    const options = { ...batch, ...arenas, scratch, keepTokens: finish.keepAll };
    try {
      let encoded!: Encoded;
      let result!: EncodedBatch;
      const { plan } = batch;
      const needsScores = plan.method === "prumerge" && plan.tokens === undefined;
      await gpu.guardMemory("the tokens of a picture", () =>
        gpu.submit("vision", (pass) => {
          encoded = this.#encoder.encode(pass, pixels, options);
          if (!needsScores) result = this.#finish(pass, encoded, batch, options, finish);
        }),
      );
      if (!needsScores) return result;
      const tokens = countOutliers(await readFloats(gpu, encoded.scores!)) + 1;
      await gpu.guardMemory("the tokens of a picture", () =>
        gpu.submit("vision, selection", (pass) => {
          const settled = { ...batch, plan: { method: "prumerge" as const, tokens } };
          result = this.#finish(pass, encoded, settled, options, finish);
        }),
      );
      return result;
    } finally {
      scratch.dispose();
    }
  }

  /** Records the work after the blocks. */
  #finish(
    recorder: Recorder,
    encoded: Encoded,
    { views, grid, plan }: ViewBatch,
    { kept, projected, scratch }: BatchArenas,
    { keepAll: keepFeatures = false, question }: Finish,
  ): EncodedBatch {
    const { runBlocks } = this.spec;
    const { first, seats } = this.#encoder;
    const cellGrid = this.rows.cellGrid(grid);
    const { keys } = encoded;
    const places = { block: runBlocks - 1, grid: cellGrid, first, seats, keys, ...this.#encoder.heads };
    const { hidden, taps, stage } = selectCells(recorder, encoded, { plan, ...places, kept, scratch });
    const sizes = { views: encoded.views, dropped: first - this.rows.firstFeature };
    const owner = { kept: keepFeatures ? kept : undefined, scratch };
    const features = connectorRows(recorder, hidden, sizes, owner);
    const tapFeatures = taps.map((rows) => connectorRows(recorder, rows, sizes, owner));
    const stages = stage ? [...encoded.stages, stage] : encoded.stages;
    const featureRows = features.shape[0]! / encoded.views;
    const cells = (featureRows - this.rows.firstFeature) / seats;
    const batch: EncodedBatch = {
      views,
      grid,
      rows: this.rows.queried ?? this.rows.firstRow + cells,
      stages,
      owners: stage?.owners ?? encoded.owners,
      taps: [],
      ...(keepFeatures && { features, tapFeatures }),
    };
    if (this.#connector) {
      const arenas = { kept: isRowMethod(plan) ? scratch : projected, scratch };
      const places = { grid: cellGrid, first: this.rows.firstFeature, owners: batch.owners };
      const queried: QueriedViews = { count: encoded.views, ...places, text: question };
      batch.projected = this.#connector.record(recorder, features, queried, arenas);
      batch.taps = tapFeatures.map((rows, tap) => this.#tapConnectors[tap]!.record(recorder, rows, queried, arenas));
      if (isRowMethod(plan)) this.#keepRows(recorder, batch, plan, { kept, projected, scratch });
    }
    if (this.#classes > 0) {
      batch.classLogits = kept.tensor("class logits", [1, this.#classes]);
      this.#encoder.classify(recorder, encoded, batch.classLogits);
    }
    if (this.#pooling) batch.embedding = this.#pooling.record(recorder, hidden, { kept, scratch });
    return batch;
  }

  #keepRows(recorder: Recorder, batch: EncodedBatch, { method, tokens }: RowPlan, arenas: BatchArenas): void {
    const { firstRow: first, queried } = this.rows;
    const { kept, projected: keptRows, scratch } = arenas;
    const { projected, taps: tapped } = batch;
    const all = queried === undefined ? batch.owners : this.#ownRows(scratch, batch.views.length, queried);
    const chooser: Pick<SelectRowsArgs, "method" | "upload"> = {
      method: ROW_METHODS[method],
      upload: (tensor, values) => this.#gpu.upload(tensor, values),
    };
    const args = {
      ...chooser,
      projected: projected!,
      taps: tapped,
      owners: all,
      tokens,
      first,
      grid: queried === undefined ? this.rows.cellGrid(batch.grid) : undefined,
      kept,
      keptRows,
      scratch,
    };
    const { rows, taps, owners, chosen, order } = selectRows(recorder, args);
    Object.assign(batch, { rows: first + tokens, projected: rows, taps, chosen, kept: order });
    if (queried === undefined) batch.owners = owners;
  }

  /** Owners of rows without cells: their own numbers. [B, Q] */
  #ownRows(scratch: Arena, views: number, queried: number): Tensor {
    const tensor = scratch.tensor("rows of queries", [views, queried], "u32");
    this.#gpu.upload(tensor, initialOwners(queried, views));
    return tensor;
  }

  /** The longest question, for work that is only counted or compiled. */
  #longest(most: number): Finish {
    return this.#mostQuestion > 0 ? { question: new Array<number>(Math.min(most, this.#mostQuestion)).fill(0) } : {};
  }

  /** The owners of each view's rows; undefined for whole views. */
  async #owners(gpu: Gpu, encoded: readonly EncodedBatch[], batches: readonly ViewBatch[]) {
    const owners: (Uint32Array | undefined)[] = [];
    for (const [i, batch] of encoded.entries()) {
      const isWhole = batch.rows === cellCount(batch.grid, this.spec);
      const own = isWhole ? [] : await rowOwners(gpu, batch, batches[i]!.plan, this.rows.cellGrid(batch.grid));
      for (const [slot, index] of batch.views.entries()) owners[index] = own[slot];
    }
    return owners;
  }

  #placement({ grid, owners }: EncodedBatch): Placement {
    return { owners: view(owners, [owners.shape[1]!]), first: this.rows.firstRow, cells: cellCount(grid, this.spec) };
  }
}
