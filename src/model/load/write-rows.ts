/**
 * Writes decoded rows of grouped integers into the buffers of a grouped matrix. It only copies, so it needs no kernel.
 */
import { FoveaError } from "../../errors.ts";
import type { Gpu } from "../../gpu/device.ts";
import { groupsOf, highOffset, scalesOffset, type Tensor } from "../../gpu/tensor.ts";
import { assert } from "../../shared/assert.ts";
import { quoted } from "../../shared/json.ts";
import { type PackedRows, readNumber, sliceRows } from "../../weights/formats/packed-rows.ts";
import { fileOf, nameInFile } from "../../weights/formats/stored-tensor.ts";
import type { MatchedPart } from "./match.ts";
import { scalePlane } from "./scale-plane.ts";

/** Rows of a decoded run, and their target. */
export interface RowsToWrite {
  part: MatchedPart;
  packed: PackedRows;
  /** The number of rows in `packed`. */
  rows: number;
  /** Rows to write: [start, end). */
  start: number;
  end: number;
  /** Their buffer, of the layout of `packed`. */
  y: Tensor; // [R, C]
  /** The first row there. */
  row: number;
}

/** Uploads rows into grouped matrices, and checks their scales. */
export class RowWriter {
  readonly #gpu: Gpu;
  /** Parts with scales that f16 cannot hold. */
  readonly misfits = new Set<MatchedPart>();
  /** Words of single f16 scales of which only one half was written yet, by their number in the buffer. */
  readonly #halfWords = new Map<GPUBuffer, Map<number, number>>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Throws FoveaError `bad-weights` for scales that are NaN or infinite. */
  write({ part, packed, rows, start, end, y, row }: RowsToWrite): void {
    const type = groupsOf(y.type);
    assert(type && holdsRows(y, packed), "rows of another layout");
    const cut = sliceRows(packed, rows, start, end);
    const { integers, high } = cut;
    const offsetOf = (bytes: Uint8Array) => (row * bytes.byteLength) / (end - start);
    this.#gpu.upload(y, integers, offsetOf(integers));
    if (high) this.#gpu.upload(y, high, 4 * highOffset(y) + offsetOf(high));
    const plane = scalePlane(type, cut);
    if (plane.notFinite >= 0)
      throw notFinite(
        part,
        readNumber(cut.scales, plane.notFinite),
        cut.biases && readNumber(cut.biases, plane.notFinite),
      );
    if (!plane.fits) this.misfits.add(part);
    const at = 4 * scalesOffset(y) + offsetOf(plane.bytes);
    if (type.scales === "f16" && type.bias === "none")
      this.#uploadHalves(y, new Uint16Array(plane.bytes.buffer), at / 2);
    else this.#gpu.upload(y, plane.bytes, at);
  }

  /**
   * A queue writes whole words: an f16 value that shares its word with another row's is written together with that one.
   */
  #uploadHalves(y: Tensor, halves: Uint16Array, first: number): void {
    const start = first - (first % 2);
    const end = first + halves.length + ((first + halves.length) % 2);
    const padded = new Uint16Array(end - start);
    padded.set(halves, first - start);
    const words = new Uint32Array(padded.buffer);
    const known = this.#halfWords.get(y.buffer) ?? new Map<number, number>();
    this.#halfWords.set(y.buffer, known);
    const edges = [...(start < first ? [0] : []), ...(end > first + halves.length ? [words.length - 1] : [])];
    for (const edge of edges) {
      const word = start / 2 + edge;
      words[edge]! |= known.get(word) ?? 0;
      known.set(word, words[edge]!);
    }
    this.#gpu.upload(y, words, 2 * start);
  }
}

function notFinite({ entry }: MatchedPart, scale: number, bias: number | undefined): FoveaError {
  const what = Number.isFinite(scale) ? `a bias of ${bias}` : `a scale of ${scale}`;
  return new FoveaError(
    "bad-weights",
    `weights that are NaN or infinite: ${quoted(nameInFile(entry))} in ${fileOf(entry)}, ${entry.encoding.id}, has ${what}. The file is damaged or was exported with an overflow`,
  );
}

/** True if rows of this layout are written to a tensor as they are. */
export function holdsRows({ type }: Tensor, { bits, group, levels, scales }: PackedRows): boolean {
  if (typeof type !== "object") return false;
  const isNested = !(scales instanceof Float32Array);
  return (
    type.bits === bits &&
    type.group === group &&
    type.levels?.values.join() === levels?.values.join() &&
    (type.scales === "nested") === isNested
  );
}

/** Rows [first, first + count) of a matrix in several buffers: the pieces of each buffer. */
export function* cutRows(
  buffers: readonly Tensor[],
  first: number,
  count: number,
): Generator<{ y: Tensor; row: number; start: number; end: number }> {
  let begin = 0;
  for (const y of buffers) {
    const end = begin + y.shape[0]!;
    const [from, to] = [Math.max(first, begin), Math.min(first + count, end)];
    if (from < to) yield { y, row: from - begin, start: from - first, end: to - first };
    begin = end;
  }
  assert(first + count <= begin, `rows ${first} to ${first + count} of ${begin}`);
}
