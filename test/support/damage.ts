/** Damage to safetensors files: headers that lie, values that are no numbers. Every function leaves its argument alone. */
import { fileOf } from "../weights/safetensors-file.ts";

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

type Header = Record<string, HeaderEntry>;

/** Offset at which the header ends and the tensors' bytes begin. */
export function dataStart(file: Uint8Array): number {
  return 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
}

function headerOf(file: Uint8Array): Header {
  return JSON.parse(new TextDecoder().decode(file.subarray(8, dataStart(file))));
}

/** The file with another header over the same bytes. */
export function withHeader(file: Uint8Array, change: (header: Header) => void): Uint8Array<ArrayBuffer> {
  const header = headerOf(file);
  change(header);
  return fileOf(JSON.stringify(header), file.subarray(dataStart(file)));
}

/** The file with one more tensor of so many zero bytes after the others. */
export function withTensor(
  file: Uint8Array,
  name: string,
  entry: Omit<HeaderEntry, "data_offsets">,
  byteLength: number,
): Uint8Array<ArrayBuffer> {
  const end = file.length - dataStart(file);
  const longer = new Uint8Array(file.length + byteLength);
  longer.set(file);
  return withHeader(longer, (header) => {
    header[name] = { ...entry, data_offsets: [end, end + byteLength] };
  });
}

/** The file with another length of its header. */
export function withHeaderLength(file: Uint8Array, byteLength: bigint): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(file);
  new DataView(copy.buffer).setBigUint64(0, byteLength, true);
  return copy;
}

/** The file with these bits of one byte inverted. */
export function flipped(file: Uint8Array, at: number, bits: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(file);
  copy[at]! ^= bits;
  return copy;
}

/** The file with one element of a tensor overwritten by `bits`; a negative index counts from the end. */
export function withElement(
  file: Uint8Array,
  tensor: string,
  index: number,
  change: (bits: number) => number,
): Uint8Array<ArrayBuffer> {
  const { dtype, data_offsets } = headerOf(file)[tensor]!;
  const [begin, end] = data_offsets.map((offset) => offset + dataStart(file)) as [number, number];
  const bytes = dtype === "F32" ? 4 : 2;
  const at = index < 0 ? end + index * bytes : begin + index * bytes;
  const copy = Uint8Array.from(file);
  const view = new DataView(copy.buffer);
  if (bytes === 4) view.setUint32(at, change(view.getUint32(at, true)), true);
  else view.setUint16(at, change(view.getUint16(at, true)), true);
  return copy;
}

/** Names of a file's tensors, without the metadata. */
export function tensorNames(file: Uint8Array): string[] {
  return Object.keys(headerOf(file)).filter((name) => name !== "__metadata__");
}
