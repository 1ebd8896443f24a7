/**
 * Cross-modality attention inhibition (paper eqs. 9-11) in the decoder's layers, for one sequence with images: which
 * image tokens each text row ignores follows from the attention of the text rows so far. Shares buffers among layers;
 * of each layer it keeps what the text rows paid to the image tokens. The numbers behind it are in inhibition.ts.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { attention } from "../../kernels/attention.ts";
import { attentionLogits, LOGITS_SPLIT_KEYS } from "../../kernels/attention-logits.ts";
import { focusScores } from "../../kernels/focus.ts";
import { headMean } from "../../kernels/head-mean.ts";
import { inhibit } from "../../kernels/inhibit.ts";
import { rowMean } from "../../kernels/row-mean.ts";
import { assert, ceilDiv } from "../../shared/assert.ts";
import { type AttendArgs, attend, type LayerAttention } from "../layer-attention.ts";
import { type ImageSpan, planSight, type Sight, viewersBefore } from "./index-tables.ts";
import { ceilRank, type InhibitionPlan } from "./plan.ts";

/** Index tables of the sequence on the GPU, for all rows that it may get: decoding uploads nothing. */
interface Tables {
  slots: Tensor; // [rows] u32
  viewerRows: Tensor; // [viewers] u32
  starts: Tensor; // [viewers + 1] u32
  columnRows: Tensor; // [n] u32
  ends: Tensor; // [images] u32
  ranks: Tensor; // [layers, images] u32
  /** Of the discount, where text rows are weighed by their distance. */
  powers: Tensor | undefined; // [viewers]
}

/** Buffers of one chunk of at most R rows, used by all layers in turn. */
interface Workspace {
  logSumExp: Tensor; // [R, H]
  /** Of a single row. */
  logits: Tensor; // [H, rows]
  sums: Tensor; // [splits of the rows, H]
  neighbours: Tensor; // [viewers of a chunk, viewers]
  focus: Tensor; // [viewers of a chunk, n]
  inhibited: Tensor; // [R, ceil(rows / 32)] u32
}

/** The part of a decoder that sizes of buffers depend on. */
export interface DecoderSizes {
  /** Rows of a chunk at most. */
  readonly chunkRows: number;
  /** H, query heads. */
  readonly config: { readonly heads: number };
}

/** What a chunk of a layer left, for those who want to see it: valid until the next layer is recorded. */
export interface InhibitedChunk {
  layer: number;
  /** Row of the sequence that the chunk's row 0 is. */
  chunkRow: number;
  /** Number of the chunk's first viewer among all; see `Sight`. */
  firstViewer: number;
  focus: Tensor; // [viewers of the chunk, n]
  inhibited: Tensor; // [T, ceil(S / 32)] u32, bit s % 32 of word s / 32
}

export class Inhibitor implements LayerAttention {
  readonly plan: InhibitionPlan;
  readonly #gpu: Gpu;
  readonly #parent: Arena;
  readonly #decoder: DecoderSizes;
  readonly #watch: boolean;
  #arena: Arena;
  #sight: Sight;
  #tables: Tables;
  #space: Workspace;
  /** A of all viewers so far, of each layer that inhibits or is watched: packed [viewers, columns seen], see `Sight.starts`. */
  #imageAttention: (Tensor | undefined)[];
  /** Told of every chunk of every layer that inhibits or is watched, as it is recorded. */
  onChunk: ((recorder: Recorder, chunk: InhibitedChunk) => void) | undefined;

  /**
   * Takes its buffers from a scope of `arena` until `dispose`.
   *
   * @param images where the prompt's images stand; without any, nothing is inhibited
   * @param rows what the sequence may grow to, prompt and generated tokens together
   * @param watch work out the focus in layers that inhibit nothing too, for `onChunk`
   * @throws FoveaError `out-of-memory` if one buffer is larger than the device allows
   */
  constructor(
    gpu: Gpu,
    arena: Arena,
    decoder: DecoderSizes,
    plan: InhibitionPlan,
    { images, rows, watch = false }: { images: readonly ImageSpan[]; rows: number; watch?: boolean },
  ) {
    this.plan = plan;
    this.#watch = watch;
    this.#gpu = gpu;
    this.#parent = arena;
    this.#decoder = decoder;
    this.#arena = arena.scope();
    this.#sight = planSight(images, rows);
    try {
      this.#tables = this.#makeTables(images);
      this.#space = this.#makeSpace();
      this.#imageAttention = this.#makeLists();
    } catch (error) {
      this.#arena.dispose();
      throw error;
    }
  }

  /** A minimal one that every kernel variant of inhibition can be recorded with, at chunk rows 1 and, of two rows, 1 to 2. */
  static forRehearsal(gpu: Gpu, decoder: DecoderSizes, layers: number): Inhibitor {
    const ratios = new Array<number>(layers).fill(1);
    const plan: InhibitionPlan = { ratios, weighting: "neighbours", literal: false, perImage: false };
    return new Inhibitor(gpu, gpu.arena, decoder, plan, { images: [{ row: 0, tokens: 1 }], rows: 3 });
  }

  /** Whether the focus is worked out in every layer, also where nothing is inhibited. */
  get watchesAll(): boolean {
    return this.#watch;
  }

  /** Which rows see what. */
  get sight(): Sight {
    return this.#sight;
  }

  /**
   * Makes room for a longer sequence, or for images of a later turn. What earlier rows paid to the images is kept.
   *
   * @param images all of the sequence, those so far unchanged
   * @param rows what the sequence may grow to now
   * @throws as the constructor; of no use afterwards but to be disposed of
   */
  extend({ images, rows }: { images: readonly ImageSpan[]; rows: number }): void {
    const [arena, lists] = [this.#arena, this.#imageAttention];
    this.#arena = this.#parent.scope();
    this.#sight = planSight(images, rows);
    try {
      this.#tables = this.#makeTables(images);
      this.#space = this.#makeSpace();
      this.#imageAttention = this.#makeLists();
      this.#gpu.submit("inhibition", (pass) => {
        for (const [layer, list] of lists.entries()) {
          const target = this.#imageAttention[layer];
          // Places of viewers in front of a new image are the same in both; those behind it are of rows that are to come.
          if (list && target) pass.copy(view(list, [Math.min(list.shape[0]!, target.shape[0]!)]), target);
        }
      });
    } finally {
      arena.dispose();
    }
  }

  /** Frees all memory. Safe to call twice. */
  dispose(): void {
    this.#arena.dispose();
  }

  /**
   * Attention of a layer over the cache in place of `attend`, inhibited where the layer's ratio and the rows ask for it:
   * an uninhibited pass over the rows from the first text row that sees an image (of one row, its logits alone), three
   * small dispatches that turn it into a mask, and a pass over all rows with the mask. Rows must come in order, each
   * once, unless later ones are forgotten and written anew.
   *
   * @param args without a mask
   */
  record(recorder: Recorder, layer: number, args: AttendArgs): void {
    const { chunkRow, rows, keys, heads } = args;
    const sight = this.#sight;
    assert(keys <= sight.rows, `inhibition: ${keys} rows, tables for ${sight.rows}`);
    const firstViewer = viewersBefore(sight, chunkRow);
    const viewers = viewersBefore(sight, keys) - firstViewer;
    const imageAttention = this.#imageAttention[layer];
    if (viewers === 0 || !imageAttention) {
      attend(recorder, args);
      return;
    }
    const firstRow = sight.viewerRows[firstViewer]! - chunkRow;
    const { slots, viewerRows, starts, columnRows, ends, ranks, powers } = this.#tables;
    const { literal } = this.plan;
    const { firstKey } = sight;
    const neighbours = view(this.#space.neighbours, [viewers, firstViewer + viewers]);
    const sees = { slots, starts, neighbours, imageAttention, firstKey, literal };
    if (rows === 1) {
      const logits = view(this.#space.logits, [heads, keys]);
      const sums = view(this.#space.sums, [ceilDiv(keys, LOGITS_SPLIT_KEYS), heads]);
      attentionLogits(recorder, { ...args, logits, sums });
      rowMean(recorder, { ...sees, logits, sums, viewer: firstViewer });
    } else {
      const logSumExp = view(this.#space.logSumExp, [rows, heads]);
      // The second pass overwrites the output.
      if (!literal) attention(recorder, { ...args, logSumExp, firstRow });
      headMean(recorder, { ...args, ...sees, logSumExp, viewerRows, viewers, firstViewer, sumRow: chunkRow });
    }
    const focus = view(this.#space.focus, [viewers, sight.columnRows.length]);
    const weights = powers ? { powers } : { neighbours };
    focusScores(recorder, { ...weights, imageAttention, starts, focus, firstViewer });
    const inhibited = view(this.#space.inhibited, [rows, ceilDiv(keys, 32)]);
    const { perImage } = this.plan;
    inhibit(recorder, {
      ...{ focus, slots, starts, columnRows, ends, ranks, inhibited, layer, firstViewer, chunkRow, perImage },
    });
    attend(recorder, { ...args, inhibited });
    this.onChunk?.(recorder, { layer, chunkRow, firstViewer, focus, inhibited });
  }

  #makeTables(images: readonly ImageSpan[]): Tables {
    const { slots, viewerRows, starts, columnRows, ends } = this.#sight;
    const { ratios, perImage, weighting } = this.plan;
    const table = (label: string, values: Uint32Array | Float32Array, shape = [values.length]) => {
      const tensor = this.#arena.tensor(label, shape, values instanceof Uint32Array ? "u32" : "f32");
      this.#gpu.upload(tensor, values);
      return tensor;
    };
    const counts = images.map(({ tokens }, i) => (perImage ? tokens : ends[i]!));
    const ranks = Uint32Array.from(ratios.flatMap((ratio) => counts.map((count) => ceilRank(ratio ?? 0, count))));
    return {
      slots: table("slots", slots),
      viewerRows: table("viewer rows", viewerRows),
      starts: table("viewer starts", starts),
      columnRows: table("image token rows", columnRows),
      ends: table("image ends", ends),
      ranks: table("ranks", ranks, [ratios.length, images.length]),
      powers: weighting === "neighbours" ? undefined : table("discounts", powersOf(weighting, viewerRows.length)),
    };
  }

  #makeSpace(): Workspace {
    const { rows, viewerRows, columnRows } = this.#sight;
    const chunkRows = Math.min(this.#decoder.chunkRows, rows);
    const chunkViewers = Math.min(chunkRows, viewerRows.length);
    const { heads } = this.#decoder.config;
    const tensor = this.#arena.tensor.bind(this.#arena);
    return {
      logSumExp: tensor("log-sum-exp", [chunkRows, heads]),
      logits: tensor("logits of a row", [heads, rows]),
      sums: tensor("sums of a row", [ceilDiv(rows, LOGITS_SPLIT_KEYS), heads]),
      neighbours: tensor("attention between text rows", [chunkViewers, viewerRows.length]),
      focus: tensor("focus", [chunkViewers, columnRows.length]),
      inhibited: tensor("inhibited", [chunkRows, ceilDiv(rows, 32)], "u32"),
    };
  }

  #makeLists(): (Tensor | undefined)[] {
    const size = this.#sight.starts.at(-1)!;
    return this.plan.ratios.map((ratio, layer) =>
      ratio !== undefined && (ratio > 0 || this.#watch)
        ? this.#arena.tensor(`attention to images of layer ${layer}`, [size])
        : undefined,
    );
  }
}

/** `discount` to the powers of 0 to `count` - 1. */
function powersOf(discount: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, exponent) => discount ** exponent);
}
