/**
 * The metadata of a GGUF file: typed keys and values. Lists of strings stay bytes until they are asked for, because a
 * vocabulary has up to 262,000 of them.
 */
import type { FoveaError } from "../../../errors.ts";
import { quoted } from "../../../shared/json.ts";
import { badGguf, decodeName, type HeaderReader } from "./header-reader.ts";
import { decodeAll, type StringSlices } from "./strings.ts";

/** Most elements of a list; the longest in use, of merges, have half a million. */
const MAX_LIST = 1 << 22;

const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** Bytes of a value of each type, at least, and how a number is read. Numbers: ggml's gguf.h. */
const TYPES: Readonly<Record<number, { bytes: number; read?: (reader: HeaderReader) => number }>> = {
  0: { bytes: 1, read: (reader) => reader.u8() },
  1: { bytes: 1, read: (reader) => reader.i8() },
  2: { bytes: 2, read: (reader) => reader.u16() },
  3: { bytes: 2, read: (reader) => reader.i16() },
  4: { bytes: 4, read: (reader) => reader.u32() },
  5: { bytes: 4, read: (reader) => reader.i32() },
  6: { bytes: 4, read: (reader) => reader.f32() },
  [BOOL]: { bytes: 1, read: (reader) => reader.u8() },
  [STRING]: { bytes: 8 },
  [ARRAY]: { bytes: 12 },
  10: { bytes: 8, read: (reader) => reader.u64() },
  11: { bytes: 8, read: (reader) => reader.i64() },
  12: { bytes: 8, read: (reader) => reader.f64() },
};

type Value =
  | { kind: "number"; value: number }
  | { kind: "boolean"; value: boolean }
  | { kind: "string"; start: number; length: number }
  | { kind: "numbers"; value: Float64Array }
  | { kind: "strings"; value: StringSlices };

const KIND_NAMES: Readonly<Record<Value["kind"], string>> = {
  number: "a number",
  boolean: "true or false",
  string: "a string",
  numbers: "a list of numbers",
  strings: "a list of strings",
};

/** Reads so many keys and values. `reader` is at the first. */
export async function readMetadata(reader: HeaderReader, count: number, file: string): Promise<Metadata> {
  const values = new Map<string, Value>();
  for (let i = 0; i < count; i++) {
    const key = await reader.name(`key ${i + 1} of ${count}`);
    if (values.has(key)) throw reader.bad(`key ${quoted(key)} stands twice`);
    const where = `key ${quoted(key)}`;
    await reader.need(4, where);
    values.set(key, await readValue(reader, reader.u32(), where));
  }
  return new Metadata(values, file, reader);
}

async function readValue(reader: HeaderReader, type: number, where: string): Promise<Value> {
  if (type === STRING) {
    const { starts, lengths } = await readStrings(reader, 1, where);
    return { kind: "string", start: starts[0]!, length: lengths[0]! };
  }
  if (type === ARRAY) return readList(reader, where);
  const { bytes, read } = valueType(reader, type, where);
  await reader.need(bytes, where);
  const value = read!(reader);
  return type === BOOL ? { kind: "boolean", value: value !== 0 } : { kind: "number", value };
}

function valueType(reader: HeaderReader, type: number, where: string) {
  return TYPES[type] ?? fail(reader.bad(`value type ${type} of ${where} is unknown`));
}

async function readList(reader: HeaderReader, where: string): Promise<Value> {
  await reader.need(12, where);
  const type = reader.u32();
  const count = reader.u64();
  // No known file has them.
  if (type === ARRAY) throw reader.bad(`${where} is a list of lists, which is not supported`);
  const { bytes, read } = valueType(reader, type, where);
  if (count * bytes > reader.left)
    throw reader.bad(
      `the list of ${where} has ${count} elements of at least ${bytes} bytes, the rest of the file ${reader.left} bytes: the file ends inside its metadata`,
    );
  if (count > MAX_LIST) throw reader.bad(`the list of ${where} has ${count} elements, the limit is ${MAX_LIST}`);
  if (!read) return { kind: "strings", value: await readStrings(reader, count, where) };
  await reader.need(count * bytes, where);
  return { kind: "numbers", value: Float64Array.from({ length: count }, () => read(reader)) };
}

async function readStrings(reader: HeaderReader, count: number, where: string): Promise<StringSlices> {
  const starts = new Uint32Array(count);
  const lengths = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    if (!reader.has(8)) await reader.need(8, where);
    const length = reader.u64();
    if (length > reader.left)
      throw reader.bad(
        `a string of ${where} has ${length} bytes, the rest of the file ${reader.left}: it is longer than the file`,
      );
    if (!reader.has(length)) await reader.need(length, where);
    starts[i] = reader.at;
    lengths[i] = length;
    reader.skip(length);
  }
  return { starts, lengths };
}

/** The keys and values of one file. Every getter throws FoveaError `bad-weights` for a value of another type. */
export class Metadata {
  readonly file: string;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #reader: HeaderReader;

  constructor(values: ReadonlyMap<string, Value>, file: string, reader: HeaderReader) {
    this.#values = values;
    this.file = file;
    this.#reader = reader;
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  number(key: string): number | undefined {
    return this.#get(key, "number")?.value;
  }

  /** An integer from `min` to `max`. */
  integer(key: string, min: number, max: number): number | undefined {
    const value = this.number(key);
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
    throw this.bad(`${key} is ${value}, an integer from ${min} to ${max} is needed`);
  }

  boolean(key: string): boolean | undefined {
    return this.#get(key, "boolean")?.value;
  }

  string(key: string): string | undefined {
    const value = this.#get(key, "string");
    return value && this.#text(value.start, value.length, key);
  }

  /** The list's own memory: do not write to it. */
  numbers(key: string): Float64Array | undefined {
    return this.#get(key, "numbers")?.value;
  }

  /** Decodes all strings of a list anew at each call. */
  strings(key: string): string[] | undefined {
    const value = this.#get(key, "strings")?.value;
    if (!value) return undefined;
    // One by one only to find the string that is no UTF-8.
    const each = () => Array.from(value.starts, (start, i) => this.#text(start, value.lengths[i]!, `${key}[${i}]`));
    return decodeAll(this.#reader.bytes, value) ?? each();
  }

  /** A number, or a list of numbers of which each holds for one layer. */
  numberOrList(key: string): number | Float64Array | undefined {
    return this.#values.get(key)?.kind === "numbers" ? this.numbers(key) : this.number(key);
  }

  /** Elements of a list; undefined without the key. */
  listLength(key: string): number | undefined {
    const value = this.#values.get(key);
    if (value?.kind === "strings") return value.value.starts.length;
    return this.numbers(key)?.length;
  }

  bad(message: string): FoveaError {
    return badGguf(this.file, message);
  }

  #get<Kind extends Value["kind"]>(key: string, kind: Kind): Extract<Value, { kind: Kind }> | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (value.kind !== kind) throw this.bad(`${key} is ${KIND_NAMES[value.kind]}, ${KIND_NAMES[kind]} is needed`);
    return value as Extract<Value, { kind: Kind }>;
  }

  #text(start: number, length: number, where: string): string {
    const text = decodeName(this.#reader.bytes.subarray(start, start + length));
    return text ?? fail(this.bad(`${where} is not UTF-8`));
  }
}

function fail(error: Error): never {
  throw error;
}
