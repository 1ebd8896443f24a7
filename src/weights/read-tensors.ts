/**
 * Streams the bytes of tensors piece by piece, in file order, so that a checkpoint of any size needs a few megabytes of
 * memory. Converts nothing.
 */
import { FoveaError } from "../errors.ts";
import { assert, checkInteger } from "../shared/assert.ts";
import { quoted } from "../shared/json.ts";
import type { ReadOptions } from "./byte-source.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { isReadableDtype } from "./dtype.ts";
import { MAX_GAP_BYTES, planReads, type ReadRange } from "./plan.ts";
import type { TensorEntry } from "./safetensors.ts";

/** A part of one tensor. A tensor's pieces come in order; an empty tensor has one. */
export interface TensorPiece {
  readonly entry: TensorEntry;
  /** Where the piece starts in the tensor, in bytes; a multiple of 4. */
  readonly byteOffset: number;
  /**
   * Starts at a multiple of 4 in its buffer; its length is a multiple of 4 but for the last piece. Valid only until the
   * next piece is asked for: all pieces share one buffer, and an upload to the GPU copies them anyway.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

/** Progress of reading. Counts gaps between tensors that are read. */
export interface ReadProgress {
  file: string;
  loadedBytes: number;
  totalBytes: number;
}

export interface ReadTensorsOptions extends ReadOptions {
  /** Called for each chunk that arrives. */
  onBytes?: ((progress: ReadProgress) => void) | undefined;
  /** Length of a piece at most, a multiple of 4. Default 4 MiB. */
  pieceBytes?: number;
}

/**
 * Streams tensors of a checkpoint. Holds one piece and one network chunk at a time.
 *
 * @param wanted Entries of this checkpoint, in any order; they come in the order of the files.
 * @throws RangeError for an entry of another checkpoint. FoveaError `unsupported-model` for an unsupported dtype, before
 * anything is read; `bad-weights` or `download-failed`, with the tensor, if its bytes cannot be read; `hash-mismatch`
 * after the last piece, so pieces count as valid only once the generator has ended; `aborted`.
 */
export async function* readTensors(
  checkpoint: Checkpoint,
  wanted: Iterable<TensorEntry>,
  options: ReadTensorsOptions = {},
): AsyncGenerator<TensorPiece, void, undefined> {
  const { onBytes, signal, pieceBytes = 4 << 20 } = options;
  if (checkInteger("pieceBytes", pieceBytes, 4) % 4 !== 0)
    throw new RangeError(`pieceBytes must be a multiple of 4, got ${pieceBytes}`);
  const entries = [...wanted];
  for (const entry of entries) checkWanted(checkpoint, entry);
  const plan = planReads(entries, (file) => (checkpoint.files.get(file)!.seekable ? MAX_GAP_BYTES : Infinity));

  for (const entry of plan.empty) yield { entry, byteOffset: 0, bytes: new Uint8Array(0), last: true };
  const buffer = new Uint8Array(Math.min(pieceBytes, largestTensor(plan.ranges)));
  let loadedBytes = 0;
  const report = (file: string, byteLength: number) => {
    loadedBytes += byteLength;
    onBytes?.({ file, loadedBytes, totalBytes: plan.byteLength });
  };
  for (const range of plan.ranges) yield* readRange(checkpoint, range, buffer, report, signal);
  // Also checks files of which only the header was read.
  for (const source of checkpoint.files.values()) await source.finish?.({ signal });
}

/** Cuts the bytes of one range into pieces of its tensors. */
async function* readRange(
  checkpoint: Checkpoint,
  range: ReadRange,
  buffer: Uint8Array<ArrayBuffer>,
  report: (file: string, byteLength: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<TensorPiece, void, undefined> {
  let index = 0;
  let at = range.start;
  let filled = 0;
  const stream = checkpoint.files.get(range.file)!.stream(range.start, range.end, { signal });
  try {
    for await (const chunk of stream) {
      report(range.file, chunk.byteLength);
      const chunkStart = at;
      const chunkEnd = at + chunk.byteLength;
      assert(chunkEnd <= range.end, `${range.file} delivered more than requested`);
      while (at < chunkEnd) {
        const entry = range.entries[index]!;
        // Bytes before the tensor are a gap; skip them.
        at = Math.max(at, Math.min(entry.start, chunkEnd));
        const end = Math.min(chunkEnd, entry.end, at + buffer.byteLength - filled);
        if (end <= at) continue;
        buffer.set(chunk.subarray(at - chunkStart, end - chunkStart), filled);
        filled += end - at;
        at = end;
        const last = at === entry.end;
        if (!last && filled < buffer.byteLength) continue;
        yield { entry, byteOffset: at - filled - entry.start, bytes: buffer.subarray(0, filled), last };
        filled = 0;
        if (last) index++;
      }
    }
  } catch (cause) {
    if (!(cause instanceof FoveaError) || cause.code === "aborted") throw cause;
    throw new FoveaError(cause.code, `${cause.message} (while reading ${tensorText(range, index)})`, { cause });
  }
  if (at < range.end)
    throw new FoveaError(
      "bad-weights",
      `${range.file} ended at byte ${at} of ${range.end}, in ${tensorText(range, index)}; fetch the file again`,
    );
}

function tensorText(range: ReadRange, index: number): string {
  const entry = range.entries[index];
  return entry ? `tensor ${quoted(entry.name)}` : "the file's last tensor";
}

function checkWanted(checkpoint: Checkpoint, entry: TensorEntry): void {
  if (checkpoint.tensors.get(entry.name) !== entry)
    throw new RangeError(`tensor ${quoted(entry.name)} is not an entry of this checkpoint`);
  if (!isReadableDtype(entry.dtype))
    throw new FoveaError(
      "unsupported-model",
      `tensor ${quoted(entry.name)} in ${entry.file} is ${entry.dtype}; supported: F32, F16, BF16; use an unquantised checkpoint`,
    );
}

function largestTensor(ranges: readonly ReadRange[]): number {
  return ranges.reduce(
    (largest, { entries }) => entries.reduce((length, { start, end }) => Math.max(length, end - start), largest),
    0,
  );
}
