/**
 * Streams the bytes of tensors piece by piece, in file order, so that a checkpoint of any size needs a few megabytes of
 * memory. Converts nothing.
 */
import { FoveaError } from "../errors.ts";
import { assert, checkInteger } from "../shared/assert.ts";
import { quoted } from "../shared/json.ts";
import type { ReadOptions } from "./byte-source.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { isDecoded, isReadable } from "./formats/encoding.ts";
import { fileOf, type Plane, type StoredTensor } from "./formats/stored-tensor.ts";
import { type FileRange, MAX_GAP_BYTES, planReads, type ReadRange } from "./plan-reads.ts";

/** A part of one plane of a tensor. The pieces of a plane come in order; an empty plane has one. */
export interface TensorPiece {
  readonly tensor: StoredTensor;
  readonly plane: Plane;
  /** Where the piece starts in the plane, in bytes; a multiple of `pieceUnit`. */
  readonly byteOffset: number;
  /**
   * Starts at a multiple of 4 in its buffer; its length is a multiple of `pieceUnit`, except for the last piece. Valid
   * only until the next piece is requested: all pieces share one buffer, and an upload to the GPU copies them.
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
  /** The largest length of a piece, a multiple of 4. Default 4 MiB. A piece of a single unit may be longer. */
  pieceBytes?: number;
}

/** Longest piece, far above the rows of any model. */
const MAX_UNIT_BYTES = 64 << 20;

/** One plane of a wanted tensor. */
interface Item extends FileRange {
  tensor: StoredTensor;
  plane: Plane;
  /** Longest piece. */
  pieceBytes: number;
}

/**
 * Bytes that stay together in a piece: whole rows of a packed tensor, whole periods where the rows are in another order,
 * otherwise 4.
 */
function pieceUnit({ encoding, rowOrder }: StoredTensor, { rowBytes }: Plane): number {
  if (rowBytes === undefined || (!rowOrder && !isDecoded(encoding))) return 4;
  return rowBytes * (rowOrder?.order.length ?? 1);
}

/**
 * Streams tensors of a checkpoint. Holds one piece and one network chunk at a time.
 *
 * @param wanted tensors of this checkpoint, in any order; their planes come in the order of the files
 * @throws RangeError for a tensor of another checkpoint. FoveaError `unsupported-model` for an unsupported dtype, before
 * anything is read; `bad-weights` or `download-failed`, with the tensor, if its bytes cannot be read; `hash-mismatch`
 * after the last piece, so pieces count as valid only once the generator has ended; `aborted`.
 */
export async function* readTensors(
  checkpoint: Checkpoint,
  wanted: Iterable<StoredTensor>,
  options: ReadTensorsOptions = {},
): AsyncGenerator<TensorPiece, void, undefined> {
  const { onBytes, signal, pieceBytes = 4 << 20 } = options;
  if (checkInteger("pieceBytes", pieceBytes, 4) % 4 !== 0)
    throw new RangeError(`pieceBytes must be a multiple of 4, got ${pieceBytes}`);
  const items = [...new Set(wanted)].flatMap((tensor) => itemsOf(checkpoint, tensor, pieceBytes));
  const plan = planReads(items, (file) => (checkpoint.files.get(file)!.seekable ? MAX_GAP_BYTES : Infinity));

  for (const { tensor, plane } of plan.empty)
    yield { tensor, plane, byteOffset: 0, bytes: new Uint8Array(0), last: true };
  const buffer = new Uint8Array(items.reduce((length, item) => Math.max(length, item.pieceBytes), 0));
  let loadedBytes = 0;
  const report = (file: string, byteLength: number) => {
    loadedBytes += byteLength;
    onBytes?.({ file, loadedBytes, totalBytes: plan.byteLength });
  };
  for (const range of plan.ranges) yield* readRange(checkpoint, range, buffer, report, signal);
  // Also checks files with only the header read.
  for (const source of checkpoint.files.values()) await source.finish?.({ signal });
}

/** Cuts the bytes of one range into pieces of its tensors. */
async function* readRange(
  checkpoint: Checkpoint,
  range: ReadRange<Item>,
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
        const { tensor, plane, pieceBytes } = range.entries[index]!;
        // Bytes before the plane are a gap; skip them.
        at = Math.max(at, Math.min(plane.start, chunkEnd));
        const end = Math.min(chunkEnd, plane.end, at + pieceBytes - filled);
        if (end <= at) continue;
        buffer.set(chunk.subarray(at - chunkStart, end - chunkStart), filled);
        filled += end - at;
        at = end;
        const last = at === plane.end;
        if (!last && filled < pieceBytes) continue;
        yield { tensor, plane, byteOffset: at - filled - plane.start, bytes: buffer.subarray(0, filled), last };
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

function tensorText(range: ReadRange<Item>, index: number): string {
  const entry = range.entries[index];
  return entry ? `tensor ${quoted(entry.name)}` : "the file's last tensor";
}

/** The planes of a tensor, checked. */
function itemsOf(checkpoint: Checkpoint, tensor: StoredTensor, pieceBytes: number): Item[] {
  const { name, encoding, planes } = tensor;
  if (checkpoint.tensors.get(name) !== (tensor.whole ?? tensor))
    throw new RangeError(`tensor ${quoted(name)} is not an entry of this checkpoint`);
  if (!isReadable(encoding))
    throw new FoveaError(
      "unsupported-model",
      `tensor ${quoted(name)} in ${fileOf(tensor)} is ${encoding.id}; supported: F32, F16, BF16; use an unquantised checkpoint`,
    );
  return planes.map((plane) => {
    const unit = pieceUnit(tensor, plane);
    if (unit > MAX_UNIT_BYTES)
      throw new FoveaError(
        "bad-weights",
        `tensor ${quoted(name)} in ${plane.file} has rows of ${unit} bytes, the limit is ${MAX_UNIT_BYTES}`,
      );
    const length = Math.max(unit, Math.floor(pieceBytes / unit) * unit);
    const { name: inFile, file, start, end } = plane;
    return { name: inFile, file, start, end, tensor, plane, pieceBytes: Math.min(end - start, length) };
  });
}
