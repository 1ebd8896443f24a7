/** Puts a picture's rows into the order of its prompt, after all of its views are encoded. */
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import { assert } from "../../shared/assert.ts";
import type { Arrangement, Grid, PicturePlan, RowOrder } from "../../spec/picture-spec.ts";
import { type ReducedViews, rowOwners } from "../compression/owners.ts";
import type { ViewPlan } from "../compression/plan.ts";
import type { Weights } from "../load/fill.ts";

/** Views of a batch; their rows follow each other view by view. */
interface BatchRows extends ReducedViews {
  grid: Grid;
  /** Rows of each view. */
  rows: number;
  projected?: Tensor; // [views * rows, W]
}

/** The arranged rows of a picture. */
export interface ArrangedRows {
  rows: Tensor; // [T, W]
  /** For each row of each view, the row of T that it counts most for, or `NOWHERE`. */
  places: readonly Uint32Array[];
  /** Rows of each line; T for a model without lines. */
  lines: readonly number[];
}

/** The place of a row that counts for no row, such as one of padding. */
export const NOWHERE = 0xffffffff;

/** Arranges the rows of tiled pictures. Results belong to the caller's arena. */
export class RowArranger {
  readonly #gpu: GpuMemory;
  readonly #arena: Arena;
  readonly #weights: Weights;
  readonly #order: RowOrder;
  readonly #cellGrid: (grid: Grid) => Grid;

  /**
   * Takes working memory from scopes of `arena`.
   *
   * @param cellGrid converts a grid of patches to one of cells
   */
  constructor(gpu: GpuMemory, arena: Arena, weights: Weights, order: RowOrder, cellGrid: (grid: Grid) => Grid) {
    this.#gpu = gpu;
    this.#arena = arena;
    this.#weights = weights;
    this.#order = order;
    this.#cellGrid = cellGrid;
  }

  /** Rows of a picture in the prompt before compression. */
  wholeRows(plan: PicturePlan): number {
    return rowCount(this.#order.arrange(plan));
  }

  /** Cells by which each view counts under compression; undefined where they are its own. */
  counted(plan: PicturePlan): readonly number[] | undefined {
    return this.#order.counted?.(plan);
  }

  /** Rows of each line of a picture in the prompt before compression; a single number for a model without lines. */
  wholeLines(plan: PicturePlan): readonly number[] {
    const arrangement = this.#order.arrange(plan);
    return arrangement.lines ?? [rowCount(arrangement)];
  }

  /**
   * Arranges the rows of a picture. Reads their owners first, where views are compressed.
   *
   * @param gpu the device that the weights are on
   * @param kept owns the result
   * @param plans of each batch
   * @throws FoveaError `out-of-memory`
   */
  async arrange(
    gpu: Gpu,
    kept: Arena,
    plan: PicturePlan,
    batches: readonly BatchRows[],
    plans: readonly ViewPlan[],
  ): Promise<ArrangedRows> {
    const owners = this.#isWhole(batches) ? undefined : await this.#owners(gpu, batches, plans);
    const scratch = this.#arena.scope();
    try {
      let arranged!: ArrangedRows;
      await gpu.guardMemory("the tokens of a picture", () =>
        gpu.submit("vision, order of rows", (pass) => {
          arranged = this.record(pass, plan, batches, owners, { kept, scratch });
        }),
      );
      return arranged;
    } finally {
      scratch.dispose();
    }
  }

  /** Allocates the memory of an arrangement, which depends on the numbers of rows alone. */
  planBytes(recorder: Recorder, plan: PicturePlan, batches: readonly BatchRows[], kept: Arena): void {
    const owners: Uint32Array[] = [];
    for (const { views, rows } of batches)
      for (const index of views) owners[index] = Uint32Array.from({ length: rows }, (_, i) => i);
    const scratch = this.#arena.scope();
    this.record(recorder, plan, batches, this.#isWhole(batches) ? undefined : owners, { kept, scratch });
    scratch.dispose();
  }

  /**
   * Records the sums batch by batch, and the learned rows last.
   *
   * @param owners of each view's rows; undefined for whole views
   * @param arenas `kept` owns the result, `scratch` the rest until the work is submitted
   */
  record(
    recorder: Recorder,
    plan: PicturePlan,
    batches: readonly BatchRows[],
    owners: readonly ArrayLike<number>[] | undefined,
    { kept, scratch }: { kept: Arena; scratch: Arena },
  ): ArrangedRows {
    const arrangement = this.#order.arrange(plan, owners);
    const { sources, weights, taps } = arrangement;
    const learned = this.#order.learned > 0 ? [this.#weights.get("connector.learned")] : [];
    const rows = rowCount(arrangement);
    const width = batches[0]!.projected!.shape[1]!;
    const counts = owners?.map(({ length }) => length);
    const most = counts ? this.#order.most(plan, counts) : rows;
    assert(rows <= most, `an arrangement of ${rows} rows, planned for ${most}`);
    const starts = viewStarts(batches);
    const y = view(kept.tensor("image tokens", [most, width]), [rows, width]);
    for (const [part, x] of [...batches.map(({ projected }) => projected!), ...learned].entries()) {
      const local = localRows(batches[part], starts, this.#order.learned);
      const own = { sources: new Uint32Array(sources.length), weights: new Float32Array(sources.length) };
      for (const [i, source] of sources.entries()) {
        const row = local.get(source);
        if (row === undefined || weights[i] === 0) continue;
        own.sources[i] = row;
        own.weights[i] = weights[i]!;
      }
      const tables = {
        sources: view(scratch.tensor("sources of rows", [most, taps], "u32"), [rows, taps]),
        weights: view(scratch.tensor("weights of rows", [most, taps]), [rows, taps]),
      };
      this.#gpu.upload(tables.sources, own.sources);
      this.#gpu.upload(tables.weights, own.weights);
      mixRows(recorder, { x, ...tables, y, accumulate: part > 0 });
    }
    return { rows: y, places: placesOf(batches, starts, arrangement), lines: arrangement.lines ?? [rows] };
  }

  #isWhole(batches: readonly BatchRows[]): boolean {
    return batches.every(({ grid, rows }) => {
      const cells = this.#cellGrid(grid);
      return rows === cells.rows * cells.cols;
    });
  }

  async #owners(gpu: Gpu, batches: readonly BatchRows[], plans: readonly ViewPlan[]): Promise<Uint32Array[]> {
    const owners: Uint32Array[] = [];
    for (const [i, batch] of batches.entries()) {
      const own = await rowOwners(gpu, batch, plans[i]!, this.#cellGrid(batch.grid));
      for (const [slot, index] of batch.views.entries()) owners[index] = own[slot]!;
    }
    return owners;
  }
}

function rowCount({ weights, taps }: Arrangement): number {
  return weights.length / taps;
}

/** Number of each view's first row among the rows of all views, and last the number of all rows. */
function viewStarts(batches: readonly BatchRows[]): number[] {
  const counts: number[] = [];
  for (const { views, rows } of batches) for (const index of views) counts[index] = rows;
  const starts = [0];
  for (const count of counts) starts.push(starts.at(-1)! + count);
  return starts;
}

/** Rows of all views -> rows of a batch's tensor; without a batch, those of the learned rows. */
function localRows(batch: BatchRows | undefined, starts: readonly number[], learned: number): Map<number, number> {
  const local = new Map<number, number>();
  if (!batch) for (let row = 0; row < learned; row++) local.set(starts.at(-1)! + row, row);
  else
    for (const [slot, index] of batch.views.entries())
      for (let row = 0; row < batch.rows; row++) local.set(starts[index]! + row, slot * batch.rows + row);
  return local;
}

function placesOf(
  batches: readonly BatchRows[],
  starts: readonly number[],
  { sources, weights, taps }: Arrangement,
): Uint32Array[] {
  const places = new Uint32Array(starts.at(-1)!).fill(NOWHERE);
  const best = new Float32Array(places.length);
  for (const [i, source] of sources.entries()) {
    if (source >= places.length || weights[i]! <= best[source]!) continue;
    best[source] = weights[i]!;
    places[source] = Math.floor(i / taps);
  }
  const views = batches.reduce((sum, batch) => sum + batch.views.length, 0);
  return Array.from({ length: views }, (_, index) => places.slice(starts[index], starts[index + 1]));
}
