/** Reads back focus scores, masks and thresholds of a sequence, layer by layer, for inspection. */
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
  focus: Float32Array; // [text rows of the chunk, n]
  bits: Uint32Array; // [T, ceil(S / 32)]
}

/** Watches an `Inhibitor` from its construction until `read`. */
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
   * Stops watching and returns every layer that inhibits or is watched, in order: rows are all rows of text, columns
   * all image tokens. A pair has focus 0 and is not inhibited if the row does not see the token or has not run since
   * the start.
   *
   * @param rows T, of the sequence; later rows that have run are left out
   */
  async read(rows: number): Promise<LayerRecord[]> {
    this.#inhibitor.onChunk = undefined;
    const layers = new Map<number, LayerRecord>();
    for (const [layer, ratio] of this.#inhibitor.plan.ratios.entries())
      if (ratio !== undefined && this.#inhibitor.tables(layer)) layers.set(layer, this.#emptyLayer(layer, ratio, rows));
    for (const values of await this.#readChunks()) this.#fill(layers.get(values.chunk.layer)!, values, rows);
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

  /** Copied, because the next layer reuses the tensors of a chunk. */
  #copy(recorder: Recorder, chunk: InhibitedChunk): void {
    const copies = {
      focus: this.#arena.tensor("focus record", chunk.focus.shape),
      inhibited: this.#arena.tensor("inhibited record", chunk.inhibited.shape, "u32"),
    };
    recorder.copy(chunk.focus, copies.focus);
    recorder.copy(chunk.inhibited, copies.inhibited);
    this.#chunks.push({ ...chunk, ...copies });
  }

  /** A layer in which no row sees an image token. */
  #emptyLayer(layer: number, ratio: number, rows: number): LayerRecord {
    const { columnRows, imageStarts } = this.#inhibitor.columns;
    const textRows = rows - columnRows.length;
    const thresholds = this.#inhibitor.plan.perImage ? imageStarts.length - 1 : 1;
    return {
      layer,
      ratio,
      focus: { data: new Float32Array(textRows * columnRows.length), rows: textRows, cols: columnRows.length },
      inhibited: new Uint8Array(textRows * columnRows.length),
      threshold: { data: new Float32Array(textRows * thresholds).fill(Number.NaN), rows: textRows, cols: thresholds },
    };
  }

  #fill(record: LayerRecord, { chunk, focus, bits }: ChunkValues, rows: number): void {
    const { columnRows, imageStarts } = this.#inhibitor.columns;
    const { textRows, textBefore } = this.#inhibitor.tables(chunk.layer)!;
    const [count, columns] = chunk.focus.shape as [number, number];
    const words = chunk.inhibited.shape[1]!;
    const quantiles = this.#inhibitor.plan.perImage
      ? Array.from(imageStarts.subarray(1), (end, image) => [imageStarts[image]!, end] as const)
      : [[0, columns] as const];
    for (let i = 0; i < count; i++) {
      const textRow = textRows[chunk.firstTextRow + i]!;
      if (textRow.row >= rows) break;
      const { firstColumn, endColumn } = textRow;
      const at = textBefore + chunk.firstTextRow + i;
      const scores = focus.subarray(i * columns, (i + 1) * columns);
      record.focus.data.set(scores, at * columns);
      const firstWord = (textRow.row - chunk.chunkRow) * words;
      for (let column = firstColumn; column < endColumn; column++) {
        const key = columnRows[column]!;
        record.inhibited[at * columns + column] = (bits[firstWord + (key >>> 5)]! >>> (key & 31)) & 1;
      }
      for (const [quantile, [first, end]] of quantiles.entries()) {
        const seen = scores.subarray(Math.max(first, firstColumn), Math.min(end, endColumn));
        record.threshold.data[at * quantiles.length + quantile] = thresholdOf(seen, record.ratio);
      }
    }
  }
}
