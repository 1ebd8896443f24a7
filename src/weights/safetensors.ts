/**
 * The header of a safetensors file: the names and places of its tensors. It is untrusted: checked against the file's
 * length and against itself before anything is allocated. read-tensors.ts reads the tensors' bytes.
 *
 * The format (huggingface/safetensors, README) has three parts. First the header's length as u64, little-endian. Then
 * the header, a JSON object of name -> {dtype, shape, data_offsets}, padded with spaces, with an optional
 * string-to-string map `__metadata__`. Then the tensors' bytes, row-major and little-endian, without gaps or overlaps
 * up to the end of the file. Tensors need not be aligned.
 */
import { FoveaError } from "../errors.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import { misplacedFile, START_BYTES } from "../shared/misplaced-file.ts";
import type { ByteSource, ReadOptions } from "./byte-source.ts";
import { type Dtype, dtypeBits, isDtype } from "./dtype.ts";
import { decodeUtf8, parseJsonUniqueKeys } from "./json.ts";
import type { FileRange } from "./plan-reads.ts";

/** The name of a checkpoint in one file. */
export const SINGLE_FILE = "model.safetensors";
/** Names the shard of each tensor of a checkpoint in several files. */
export const INDEX_FILE = "model.safetensors.index.json";

/** The place of a tensor. */
export interface TensorEntry extends FileRange {
  readonly dtype: Dtype;
  /** Outermost first; empty for a scalar. Dimensions may be 0. */
  readonly shape: readonly number[];
}

export interface SafetensorsHeader {
  /** `__metadata__`, empty if there is none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** The published reader's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const LENGTH_BYTES = 8;

/**
 * Reads and checks the header of a safetensors file.
 *
 * @throws FoveaError `bad-weights` with the file, the tensor and the numbers; errors of the source.
 */
export async function readSafetensorsHeader(source: ByteSource, options?: ReadOptions): Promise<SafetensorsHeader> {
  const { name: file, byteLength } = source;
  if (byteLength < LENGTH_BYTES) throw bad(file, `${byteLength} bytes are too few for a safetensors file`);
  const prefix = await source.read(0, LENGTH_BYTES, options);
  const claimed = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (claimed > MAX_HEADER_BYTES) {
    const start = await source.read(0, Math.min(byteLength, START_BYTES), options);
    const misplaced = misplacedFile(new TextDecoder().decode(start));
    if (misplaced) throw new FoveaError("bad-weights", `${file}: ${misplaced}`);
    throw bad(file, `the header has ${claimed} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const dataStart = LENGTH_BYTES + Number(claimed);
  if (dataStart > byteLength) throw bad(file, `the header has ${claimed} bytes, the whole file ${byteLength}`);
  return parseSafetensorsHeader(await source.read(LENGTH_BYTES, dataStart, options), file, byteLength);
}

/**
 * Checks a header's bytes.
 *
 * @param header the JSON text, without the length before it
 * @param fileBytes length of the whole file
 * @throws FoveaError `bad-weights`.
 */
export function parseSafetensorsHeader(header: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  // Also refuses a byte order mark, which decoding would drop.
  if (header[0] !== 0x7b) throw bad(file, 'the header does not start with "{"');
  const where = `header of ${file}`;
  const json = parseJsonUniqueKeys(decodeUtf8(header, where), where);
  if (!isJsonObject(json)) throw bad(file, "the header is not a JSON object");

  const dataStart = LENGTH_BYTES + header.byteLength;
  let metadata: ReadonlyMap<string, string> = new Map();
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(json)) {
    // Some writers write null for missing metadata.
    if (name === "__metadata__") metadata = value === null ? metadata : parseMetadata(value, file);
    else entries.push(parseEntry(name, value, file, dataStart, fileBytes));
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  checkCover(entries, file, dataStart, fileBytes);
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

function parseMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  if (!isJsonObject(value)) throw bad(file, "__metadata__ is not an object");
  return new Map(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== "string") throw bad(file, `__metadata__ ${quoted(key)} is not a string`);
      return [key, text];
    }),
  );
}

function parseEntry(name: string, value: unknown, file: string, dataStart: number, fileBytes: number): TensorEntry {
  const tensor = `tensor ${quoted(name)}`;
  if (!isJsonObject(value)) throw bad(file, `${tensor} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw bad(file, `${tensor} has ${typeof dtype === "string" ? `the unknown dtype ${quoted(dtype)}` : "no dtype"}`);
  if (!isCounts(shape)) throw bad(file, `${tensor}: its shape is not a list of dimensions`);
  if (!isCounts(offsets) || offsets.length !== 2) throw bad(file, `${tensor}: data_offsets is not a pair of offsets`);
  const [begin, end] = offsets as [number, number];
  const dataBytes = fileBytes - dataStart;
  if (begin > end || end > dataBytes) throw bad(file, `${tensor} lies at ${begin} to ${end} of ${dataBytes} bytes`);
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength !== end - begin)
    throw bad(
      file,
      `${tensor} has ${end - begin} bytes, its dtype and shape need ${byteLength ?? "an impossible number"}`,
    );
  return { name, dtype, shape, file, start: dataStart + begin, end: dataStart + end };
}

/** True if this is an array of sizes: safe integers from 0, and not -0, which prints like one but divides otherwise. */
function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));
}

/** Bytes of a tensor; undefined if not an integer, or too large for any file. */
function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bits = dtypeBits(dtype);
  for (const dimension of shape) {
    // Both factors are exact, so a product above 2^53 cannot round down to a safe integer.
    bits *= dimension;
    if (!Number.isSafeInteger(bits)) return undefined;
  }
  return bits % 8 === 0 ? bits / 8 : undefined;
}

/** Checks that tensors, sorted by offset, cover the bytes from the header to the file's end without gap or overlap. */
function checkCover(entries: readonly TensorEntry[], file: string, dataStart: number, fileBytes: number): void {
  let at = dataStart;
  for (const { name, start, end } of entries) {
    if (start < at) throw bad(file, `tensor ${quoted(name)} overlaps the one before it by ${at - start} bytes`);
    if (start > at) throw bad(file, `${start - at} bytes before tensor ${quoted(name)} belong to no tensor`);
    at = end;
  }
  if (at !== fileBytes) throw bad(file, `its tensors end at byte ${at}, the file has ${fileBytes}`);
}

function bad(file: string, message: string): FoveaError {
  return new FoveaError("bad-weights", `${file}: ${message}; the file is damaged or not safetensors, fetch it again`);
}
