/** What inhibition did with a sequence, copied off the GPU layer by layer: focus scores, masks and thresholds. */
import type { Inspection } from "../../api.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { Readback } from "../../gpu/readback.ts";
import { type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { elementCount } from "../../shared/shape.ts";
import type { InhibitedChunk, Inhibitor } from "./inhibitor.ts";
import { thresholdOf } from "./plan.ts";

type LayerRecord = Inspection["layers"][number];

interface ChunkValues {
  chunk: InhibitedChunk;
  focus: Float32Array; // [viewers, n]
  bits: Uint32Array; // [T, ceil(S / 32)]
}

/** Watches a `Inhibitor` from its construction until `read`. */
export class InhibitionRecord {
  readonly #gpu: Gpu;
  readonly #arena: Arena;
  readonly #inhibitor: Inhibitor;
  readonly #chunks: InhibitedChunk[] = [];

  /** Takes copies from `arena`, which owns them: per layer, 4 n + T / 8 bytes for each text row that sees an image. */
  constructor(gpu: Gpu, arena: Arena, inhibitor: Inhibitor) {
    this.#gpu = gpu;
    this.#arena = arena;
    this.#inhibitor = inhibitor;
    inhibitor.onChunk = (recorder, chunk) => this.#copy(recorder, chunk);
  }

  /**
   * Stops watching and returns every layer that was watched, in order. Rows that were not run meanwhile have no focus.
   *
   * @param rows T, of the sequence; what was run behind them is left out
   */
  async read(rows: number): Promise<LayerRecord[]> {
    this.#inhibitor.onChunk = undefined;
    const layers = new Map<number, LayerRecord>();
    for (const [layer, ratio] of this.#inhibitor.plan.ratios.entries())
      if (ratio !== undefined && (ratio > 0 || this.#inhibitor.watchesAll))
        layers.set(layer, this.#emptyLayer(layer, ratio, rows));
    for (const { chunk, focus, bits } of await this.#readChunks())
      this.#fill(layers.get(chunk.layer)!, { chunk, focus, bits, rows });
    return [...layers.values()];
  }

  /** All copies, in one transfer. */
  async #readChunks(): Promise<ChunkValues[]> {
    const tensors = this.#chunks.flatMap(({ focus, inhibited }) => [focus, inhibited]);
    if (tensors.length === 0) return [];
    const readback = new Readback(
      this.#gpu,
      tensors.reduce((sum, tensor) => sum + tensorByteLength(tensor), 0),
    );
    try {
      this.#gpu.submit("inhibition record", (pass) => {
        for (const tensor of tensors) readback.record(pass, tensor);
      });
      const bytes = await readback.read();
      let offset = 0;
      const take = (tensor: Tensor) => {
        offset += tensorByteLength(tensor);
        return [bytes, offset - tensorByteLength(tensor), elementCount(tensor.shape)] as const;
      };
      return this.#chunks.map((chunk) => ({
        chunk,
        focus: new Float32Array(...take(chunk.focus)),
        bits: new Uint32Array(...take(chunk.inhibited)),
      }));
    } finally {
      readback.dispose();
    }
  }

  /** The tensors of a chunk are used again by the next layer. */
  #copy(recorder: Recorder, chunk: InhibitedChunk): void {
    const copies = {
      focus: this.#arena.tensor("focus record", chunk.focus.shape),
      inhibited: this.#arena.tensor("inhibited record", chunk.inhibited.shape, "u32"),
    };
    recorder.copy(chunk.focus, copies.focus);
    recorder.copy(chunk.inhibited, copies.inhibited);
    this.#chunks.push({ ...chunk, ...copies });
  }

  /** A layer in which no row sees an image. */
  #emptyLayer(layer: number, ratio: number, rows: number): LayerRecord {
    const { columnRows, ends } = this.#inhibitor.sight;
    const textRows = rows - columnRows.length;
    const thresholds = this.#inhibitor.plan.perImage ? ends.length : 1;
    return {
      layer,
      ratio,
      focus: { data: new Float32Array(textRows * columnRows.length), rows: textRows, cols: columnRows.length },
      inhibited: new Uint8Array(textRows * columnRows.length),
      threshold: { data: new Float32Array(textRows * thresholds).fill(Number.NaN), rows: textRows, cols: thresholds },
    };
  }

  #fill(record: LayerRecord, { chunk, focus, bits, rows }: ChunkValues & { rows: number }): void {
    const { firstKey, viewerRows, columnRows, starts, ends } = this.#inhibitor.sight;
    const { perImage } = this.#inhibitor.plan;
    const [viewers, columns] = chunk.focus.shape as [number, number];
    const words = chunk.inhibited.shape[1]!;
    for (let i = 0; i < viewers; i++) {
      const viewer = chunk.firstViewer + i;
      if (viewerRows[viewer]! >= rows) break;
      // Every row in front of the first image is text.
      const textRow = firstKey + viewer;
      const scores = focus.subarray(i * columns, (i + 1) * columns);
      record.focus.data.set(scores, textRow * columns);
      const seen = starts[viewer + 1]! - starts[viewer]!;
      const firstWord = (viewerRows[viewer]! - chunk.chunkRow) * words;
      // The chunk's mask ends with its last row: later images are not in it.
      for (const [column, key] of columnRows.subarray(0, seen).entries())
        record.inhibited[textRow * columns + column] = (bits[firstWord + (key >>> 5)]! >>> (key & 31)) & 1;
      const { data, cols } = record.threshold;
      if (!perImage) data[textRow] = thresholdOf(scores.subarray(0, seen), record.ratio);
      else
        for (let image = 0; image < ends.length && ends[image]! <= seen; image++)
          data[textRow * cols + image] = thresholdOf(scores.subarray(ends[image - 1] ?? 0, ends[image]), record.ratio);
    }
  }
}
