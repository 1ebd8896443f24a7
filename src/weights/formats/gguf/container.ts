/**
 * The header of a GGUF file: its metadata, and which tensors lie where. Everything is untrusted and checked against the
 * file's length before anything is allocated.
 *
 * `@huggingface/gguf` 0.4 is rejected. It fetches addresses by itself, past the hashes, the access token and the store of
 * this engine. It cannot read bytes in memory or a Blob, allocates by counts from the file, and checks neither overlaps
 * nor bounds of tensors.
 */
import { quoted } from "../../../shared/json.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { ByteSource, ReadOptions } from "../../byte-source.ts";
import { badGguf, HeaderReader, unsupportedGguf } from "./header-reader.ts";
import { type Metadata, readMetadata } from "./metadata.ts";
import { type BlockType, blockType, READ_TYPES, typeName } from "./tensor-types.ts";

/** A tensor of a file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: BlockType;
  /** Outermost first, as in safetensors; the file has them reversed. */
  readonly shape: readonly number[];
  readonly file: string;
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
}

export interface GgufHeader {
  readonly file: string;
  readonly metadata: Metadata;
  /** By name, in the file's order. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 0x46554747; // "GGUF"
const HEADER_BYTES = 24;
/** A key of no letters, a type, a value of one byte. */
const LEAST_KEY_BYTES = 13;
/** A name of no letters, one dimension, a type, an offset. */
const LEAST_TENSOR_BYTES = 32;
const MAX_KEYS = 1 << 16;
const MAX_TENSORS = 1 << 20;
const MAX_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT = 32;

/**
 * Reads and checks the header of a GGUF file of version 2 or 3.
 *
 * @throws FoveaError `bad-weights` with the file, the key or tensor and the numbers; `unsupported-model` for a version, a
 * byte order or a tensor type that is not read; what the source throws
 */
export async function readGguf(source: ByteSource, options?: ReadOptions): Promise<GgufHeader> {
  const { name: file, byteLength } = source;
  if (byteLength < HEADER_BYTES) throw badGguf(file, `${byteLength} bytes are too few for a GGUF header`);
  const reader = new HeaderReader(source, options);
  await reader.need(HEADER_BYTES, "the header");
  if (reader.u32() !== MAGIC) throw badGguf(file, 'not a GGUF file: it does not begin with the letters "GGUF"');
  checkVersion(file, reader.u32());
  const [tensorCount, keyCount] = [reader.u64(), reader.u64()];
  checkCount(reader, "keys of metadata", keyCount, LEAST_KEY_BYTES, MAX_KEYS);
  checkCount(reader, "tensors", tensorCount, LEAST_TENSOR_BYTES, MAX_TENSORS);
  const metadata = await readMetadata(reader, keyCount, file);
  const alignment = readAlignment(metadata);
  checkCount(reader, "tensors", tensorCount, LEAST_TENSOR_BYTES, MAX_TENSORS);
  const infos: TensorInfo[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) infos.push(await readInfo(reader, `${i + 1} of ${tensorCount}`, names));
  const dataStart = Math.ceil(reader.at / alignment) * alignment;
  const tensors = infos.map((info) => placed(info, file, { dataStart, alignment, byteLength }));
  checkOverlaps(tensors, file);
  return { file, metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function checkVersion(file: string, version: number): void {
  if (version === 2 || version === 3) return;
  const isSwapped = version !== 0 && (version & 0xffff) === 0;
  throw unsupportedGguf(
    file,
    isSwapped
      ? "a big-endian GGUF, its version has swapped bytes; convert it to little-endian"
      : `GGUF version ${version}; versions 2 and 3 are supported, convert the model again`,
  );
}

function checkCount(reader: HeaderReader, what: string, count: number, leastBytes: number, limit: number): void {
  if (count * leastBytes > reader.left)
    throw reader.bad(`${count} ${what} need at least ${count * leastBytes} bytes, the file has ${reader.left} more`);
  if (count > limit) throw reader.bad(`${count} ${what}, the limit is ${limit}`);
}

function readAlignment(metadata: Metadata): number {
  const alignment = metadata.number("general.alignment") ?? DEFAULT_ALIGNMENT;
  // A power of two has one bit.
  if (Number.isInteger(alignment) && alignment >= 1 && alignment <= 1 << 30 && (alignment & (alignment - 1)) === 0)
    return alignment;
  throw metadata.bad(`general.alignment is ${alignment}; a power of two is needed`);
}

interface TensorInfo {
  name: string;
  shape: number[];
  type: BlockType;
  offset: number;
}

async function readInfo(reader: HeaderReader, number: string, names: Set<string>): Promise<TensorInfo> {
  const name = await reader.name(`the name of tensor ${number}`);
  const where = `tensor ${quoted(name)}`;
  if (names.has(name)) throw reader.bad(`${where} stands twice`);
  names.add(name);
  await reader.need(4, where);
  const dimensions = reader.u32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS)
    throw reader.bad(`${where} has ${dimensions} dimensions; 1 to ${MAX_DIMENSIONS} are possible`);
  await reader.need(8 * dimensions + 12, where);
  const shape = Array.from({ length: dimensions }, () => reader.u64()).reverse();
  const type = readType(reader, where);
  return { name, shape, type, offset: reader.u64() };
}

function readType(reader: HeaderReader, where: string): BlockType {
  const number = reader.u32();
  const type = blockType(number);
  if (type) return type;
  const name = typeName(number);
  if (name === undefined) throw reader.bad(`${where} has the unknown type ${number}`);
  throw unsupportedGguf(reader.file, `type ${name} of ${where} is not supported; supported are ${READ_TYPES}`);
}

interface DataPlace {
  dataStart: number;
  alignment: number;
  /** Of the file. */
  byteLength: number;
}

function placed({ name, shape, type, offset }: TensorInfo, file: string, place: DataPlace): GgufTensor {
  const { dataStart, alignment, byteLength } = place;
  const where = `tensor ${quoted(name)}`;
  const columns = shape.at(-1)!;
  if (columns % type.elements !== 0)
    throw badGguf(file, `${where}: rows of ${columns} do not divide into blocks of ${type.elements} (${type.name})`);
  if (!(offset % alignment === 0))
    throw badGguf(file, `${where} begins at the offset ${offset}, which is no multiple of the alignment ${alignment}`);
  // Factors are at most 2^64 and rounded; a product beyond 2^53 stays beyond it, and no file is that long.
  const bytes = shape.reduce((product, size) => product * size, type.bytes / type.elements);
  if (!(bytes > 0)) throw badGguf(file, `${where} of shape ${shapeText(shape)} is empty`);
  const start = dataStart + offset;
  const end = start + bytes;
  if (bytes > byteLength)
    throw badGguf(file, `${where} of shape ${shapeText(shape)} needs ${bytes} bytes, the whole file has ${byteLength}`);
  if (end > byteLength)
    throw badGguf(
      file,
      `${where} lies beyond the end of the file: it ends at byte ${end} of ${byteLength}, ${end - byteLength} bytes are missing`,
    );
  return { name, type, shape, file, start, end };
}

/** Holes between tensors are allowed. */
function checkOverlaps(tensors: readonly GgufTensor[], file: string): void {
  let last: GgufTensor | undefined;
  for (const tensor of tensors.toSorted((a, b) => a.start - b.start)) {
    if (last && tensor.start < last.end)
      throw badGguf(file, `tensors ${quoted(last.name)} and ${quoted(tensor.name)} overlap`);
    last = tensor;
  }
}
