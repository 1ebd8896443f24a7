/** Plans the compression of a picture's views and their rows in a prompt, before anything runs. */
import type { Compression } from "../../api.ts";
import type { EncoderSpec, ModelSpec } from "../../spec/model-spec.ts";
import type { Grid, PicturePlan } from "../../spec/picture-spec.ts";
import { planCompression, type ViewPlan } from "../compression/plan.ts";
import { isRowMethod } from "../compression/rows/registry.ts";
import { queriedRows, queriesOf, rowsOfView } from "../connector/row-count.ts";
import type { RowArranger } from "./arranged-rows.ts";
import { cellCount, cellGrid } from "./cell-count.ts";
import { type PlannedRows, plannedCells } from "./planned-rows.ts";

/** The parts of a model that the plan depends on. */
type Model = Pick<ModelSpec, "connector"> & { encoder: EncoderSpec };

type Arranger = Pick<RowArranger, "wholeRows" | "wholeLines" | "counted">;

/** Plans the pictures of one model. */
export class RowPlanner {
  readonly #model: Model;
  readonly #arranger: Arranger | undefined;
  /** Rows of each view, for a model with learned queries. */
  readonly queried: number | undefined;

  /** @param arranger of a model that has an order for its rows */
  constructor(model: Model, arranger: Arranger | undefined) {
    this.#model = model;
    this.#arranger = arranger;
    this.queried = queriedRows(model.connector);
  }

  /** Rows before the cells of a view in its features: the class token, where features keep it. */
  get firstFeature(): number {
    return this.#model.encoder.keepClassToken ? 1 : 0;
  }

  /** Rows before the cells of a view in the prompt. */
  get firstRow(): number {
    return this.queried === undefined ? this.firstFeature : 0;
  }

  /** Rows of a view in the prompt before compression. */
  rowsOf(grid: Grid): number {
    return rowsOfView(this.#model, grid);
  }

  /** Rows of a picture in the prompt before compression. */
  wholeRows(plan: PicturePlan): number {
    if (this.#arranger) return this.#arranger.wholeRows(plan);
    return plan.views.reduce((sum, { grid }) => sum + this.rowsOf(grid), 0);
  }

  /** Rows of a picture in the prompt after compression. Throws as `planViews`. */
  plannedRows(plan: PicturePlan, compression: Compression): PlannedRows {
    const plans = this.planPicture(plan, compression);
    // The number of rows between those of cells depends on the remaining cells.
    if (this.#arranger)
      return { rows: this.#arranger.wholeLines(plan), isExact: plans.every(({ method }) => method === "none") };
    const grids = plan.views.map(({ grid }) => grid);
    const { queried } = this;
    if (queried !== undefined)
      return { rows: plans.map((view) => (isRowMethod(view) ? view.tokens : queried)), isExact: true };
    const cells = plans.map((view, i) => plannedCells(view, this.cellGrid(grids[i]!)));
    const rows = cells.map((count, i) => (count === undefined ? this.rowsOf(grids[i]!) : this.firstRow + count));
    return { rows, isExact: !cells.includes(undefined) };
  }

  /**
   * The plan of each view.
   *
   * @param counted see `RowOrder`
   * @throws TypeError or RangeError for a compression that these views do not support
   */
  planViews(compression: Compression, grids: readonly Grid[], counted?: readonly number[]): ViewPlan[] {
    const { connector, encoder } = this.#model;
    if (this.#arranger && isPlaced(compression))
      throw new RangeError(
        'compression.positions "original" needs rows of cells alone, and this model adds rows of its own; use "contiguous"',
      );
    // Without blocks the patch embeddings are the rows.
    if (connector.length === 0 && encoder.runBlocks > 0 && isRows(compression))
      throw new RangeError(
        `compression.method "${compression.method}" chooses rows of a connector, and this model has none; use "vmtc" or "prune-last"`,
      );
    return planModelViews(this.#model, compression, grids, counted);
  }

  /** The plan of each view of a picture. Throws as `planViews`. */
  planPicture(plan: PicturePlan, compression: Compression): ViewPlan[] {
    const grids = plan.views.map(({ grid }) => grid);
    return this.planViews(compression, grids, this.#arranger?.counted(plan));
  }

  /** A grid of patches in cells. */
  cellGrid(grid: Grid): Grid {
    return cellGrid(grid, this.#model.encoder);
  }
}

/**
 * Plans of views whose rows are cells, or rows of learned queries. Queries yield the same number of rows from fewer
 * cells, so all methods except "diverse" count cells of the encoder then.
 *
 * @throws TypeError or RangeError for a compression that these views do not support
 */
export function planModelViews(
  { encoder, connector }: Model,
  compression: Compression,
  grids: readonly Grid[],
  counted?: readonly number[],
): ViewPlan[] {
  const queried = queriedRows(connector);
  if (queried !== undefined) checkQueried(compression, connector);
  const isAfter = queried !== undefined && isRows(compression);
  const cells = grids.map((grid) => (isAfter ? queried : cellCount(grid, encoder)));
  return planCompression(compression, encoder, cells, counted);
}

/** A caller's compression may be any value; the plan checks it later. */
function isRows(compression: Compression): boolean {
  return typeof compression?.method === "string" && isRowMethod(compression);
}

function isPlaced(compression: Compression): boolean {
  return compression?.method === "vmtc" && compression.positions === "original";
}

/** Throws RangeError for a compression that rows of learned queries, or the positions of their keys, do not support. */
function checkQueried(compression: Compression, connector: ModelSpec["connector"]): void {
  if (isPlaced(compression))
    throw new RangeError(
      'compression.positions "original" needs rows that are cells, and those of this model are learned queries; use "contiguous"',
    );
  const places = queriesOf(connector)!.steps.some((step) => step.op === "attend" && step.positions);
  if (places && (compression?.method === "pool" || compression?.method === "prumerge"))
    throw new RangeError(
      `compression.method "${compression.method}" makes rows of several cells, and this model's queries read each cell with its position; use "vmtc", "prune-last" or "diverse"`,
    );
}
