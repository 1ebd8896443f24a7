/** Rotary positions inside the encoder: queries and keys turn by the row and the column of their patch. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { rope, ropeTable } from "../../kernels/rope.ts";
import { seatCoordinates } from "../../kernels/seat-coordinates.ts";
import { assert } from "../../shared/assert.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { Operands } from "./blocks.ts";
import { orderedCoordinates } from "./windows.ts";

/** The rotary positions of one batch of views. */
export class RotaryPositions {
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #scratch: Arena;
  readonly #cell: number;
  readonly #grid: Grid;
  readonly #heads: { heads: number; headWidth: number };
  readonly #axisOfPair: readonly number[];
  readonly #table: Tensor; // [places, D]
  readonly #queries: Tensor; // [rows, C]
  readonly #keysAndValues: Tensor; // [rows, 2 C]
  #coordinates: Tensor | undefined; // [2, rows] u32

  /**
   * Takes its memory from `scratch`.
   *
   * @param grid of a view, in patches
   * @param rows of the batch
   */
  constructor(
    gpu: Pick<GpuMemory, "upload">,
    scratch: Arena,
    { rope: spec, cell, width, heads, classToken }: EncoderSpec,
    { grid, rows }: { grid: Grid; rows: number },
  ) {
    assert(spec && !classToken, "rotary positions of an encoder with a class token, or without frequencies");
    this.#gpu = gpu;
    this.#scratch = scratch;
    this.#cell = cell;
    this.#grid = grid;
    this.#heads = { heads, headWidth: width / heads };
    const { frequencies } = spec;
    this.#axisOfPair = frequencies.map((_, pair) => (pair < frequencies.length / 2 ? 0 : 1));
    const places = Math.max(grid.rows, grid.cols);
    this.#table = scratch.tensor("angles of patches", [places, 2 * frequencies.length]);
    gpu.upload(
      this.#table,
      ropeTable(places, () => frequencies),
    );
    this.#queries = scratch.tensor("encoder queries", [rows, width]);
    this.#keysAndValues = scratch.tensor("encoder keys and values", [rows, 2 * width]);
  }

  /** Places rows cell by cell from now on. @param order raster indices of a view's cells */
  placeInOrder(order: Uint32Array, views: number): void {
    const places = orderedCoordinates(order, { cols: this.#grid.cols / this.#cell, side: this.#cell, views });
    this.#coordinates = this.#scratch.tensor("coordinates of patches", [2, places.length / 2], "u32");
    this.#gpu.upload(this.#coordinates, places);
  }

  /** Places rows at the owners of their cells from now on. @param owners [B, n] */
  placeByOwners(recorder: Recorder, owners: Tensor): void {
    const rows = owners.shape[0]! * owners.shape[1]! * this.#cell ** 2;
    this.#coordinates = this.#scratch.tensor("coordinates of patches", [2, rows], "u32");
    const cols = this.#grid.cols / this.#cell;
    seatCoordinates(recorder, { owners, coordinates: this.#coordinates, cols, side: this.#cell });
  }

  /** Turns the queries and keys of a block. @param qkv [rows, 3 C] */
  turn(recorder: Recorder, qkv: Tensor): Operands {
    const rows = qkv.shape[0]!;
    const width = qkv.shape[1]! / 3;
    const q = view(this.#queries, [rows, width]);
    const cache = view(this.#keysAndValues, [rows, 2 * width]);
    const { heads, headWidth } = this.#heads;
    rope(recorder, {
      ...{ qkv, q, cache, cacheRow: 0, heads, keyHeads: heads, headWidth },
      ...{ positions: this.#coordinates!, axisOfPair: this.#axisOfPair, table: this.#table },
    });
    return {
      q: { tensor: q, stride: width, offset: 0 },
      k: { tensor: cache, stride: 2 * width, offset: 0 },
      v: { tensor: cache, stride: 2 * width, offset: width },
    };
  }
}
