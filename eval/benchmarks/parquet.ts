/**
 * Tables in Parquet files, the format of the hub's mirrors of benchmarks. Rows are read without pictures; a picture is
 * read on demand with its row group, and the last groups are kept.
 */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { shown } from "../../src/shared/json.ts";
import type { BenchmarkPicture } from "./benchmark.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Fields } from "./fields.ts";

/** A larger row group is not kept; its pictures are read one by one. */
const MOST_KEPT_BYTES = 256 * 2 ** 20;
/** The most browsers that ask in parallel. */
const KEPT_GROUPS = 4;
/** Bytes at a file's end that identify it. */
const HASHED_BYTES = 65536;

export interface Row {
  fields: Fields;
  /** File and row number, for messages. */
  at: string;
  table: Table;
  index: number;
}

/** One file. */
export class Table {
  readonly path: string;
  readonly columns: readonly string[];
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #identity: string;
  /** Start of a row group -> its pictures. */
  readonly #groups = new Map<number, Promise<Fields[]>>();

  private constructor(parts: { path: string; file: AsyncBuffer; metadata: FileMetaData; identity: string }) {
    this.path = parts.path;
    this.#file = parts.file;
    this.#metadata = parts.metadata;
    this.#identity = parts.identity;
    this.columns = parquetSchema(parts.metadata).children.map(({ element }) => element.name);
  }

  /** Throws an Error of one line for a file that is not Parquet. */
  static async open(path: string): Promise<Table> {
    const { size } = await stat(path);
    const file = bufferOf(path, size);
    const metadata = await parquetMetadataAsync(file).catch((error: Error) => broken(path, error));
    const end = await file.slice(Math.max(0, size - HASHED_BYTES));
    const identity = createHash("sha256").update(`${size}\0`).update(new Uint8Array(end)).digest("hex");
    return new Table({ path, file, metadata, identity });
  }

  get rowCount(): number {
    return Number(this.#metadata.num_rows);
  }

  /** All rows, without these columns. Throws an Error of one line for a damaged file. */
  async rows(withoutColumns: readonly string[]): Promise<Row[]> {
    const columns = this.columns.filter((name) => !withoutColumns.includes(name));
    const all = await this.#read(columns, 0, this.rowCount);
    return all.map((fields, index) => ({ fields, at: `${this.path}: row ${index + 1}`, table: this, index }));
  }

  /** The picture in a column of a row. */
  picture({ index, at }: Row, column: string): BenchmarkPicture {
    const hash = createHash("sha256").update(`${this.#identity} ${index} ${column}`).digest("hex");
    const read = async () => {
      const fields = await this.#pictureRow(index, column);
      return pictureBytes(fields[column], column, at);
    };
    return { file: `row ${index + 1}`, hash, read };
  }

  async #pictureRow(index: number, column: string): Promise<Fields> {
    let start = 0;
    for (const { num_rows, total_byte_size } of this.#metadata.row_groups) {
      const end = start + Number(num_rows);
      if (index >= end) {
        start = end;
        continue;
      }
      if (total_byte_size > MOST_KEPT_BYTES) break;
      const known = this.#groups.get(start) ?? this.#read([column], start, end);
      this.#groups.set(start, known);
      if (this.#groups.size > KEPT_GROUPS) this.#groups.delete(this.#groups.keys().next().value!);
      return (await known)[index - start]!;
    }
    const [fields] = await this.#read([column], index, index + 1);
    return fields!;
  }

  async #read(columns: string[], rowStart: number, rowEnd: number): Promise<Fields[]> {
    const options = { file: this.#file, metadata: this.#metadata, compressors, columns, rowStart, rowEnd };
    // Bytes of pictures are not text; text columns are marked as such.
    return parquetReadObjects({ ...options, utf8: false, useOffsetIndex: rowEnd - rowStart === 1 }).catch(
      (error: Error) => broken(this.path, error),
    );
  }
}

const TABLES = /\.parquet$/;

/** True if the folder is a hub's mirror in Parquet, not the benchmark's own files. */
export function hasTables(data: DataFolder): boolean {
  return data.files(TABLES).length > 0;
}

/**
 * The tables of one split: among files with all columns, the split that a preference matches first. Empty without such
 * files. Throws an Error of one line if several splits remain and no preference matches.
 *
 * @param prefer patterns of the split's name, such as "data/validation"
 */
export async function tablesWith(data: DataFolder, columns: readonly string[], prefer: RegExp[]): Promise<Table[]> {
  const tables = await Promise.all(data.files(TABLES).map((file) => Table.open(file)));
  const fitting = tables.filter((table) => columns.every((name) => table.columns.includes(name)));
  const splitOf = ({ path }: Table) => data.name(path).replace(/(-\d+-of-\d+)?\.parquet$/, "");
  for (const pattern of prefer) {
    const preferred = fitting.filter((table) => pattern.test(splitOf(table)));
    if (preferred.length > 0) return preferred;
  }
  const splits = new Set(fitting.map(splitOf));
  if (splits.size > 1)
    throw new Error(`${data.path}: several sets (${[...splits].join(", ")}); pass the folder or file of one as --data`);
  return fitting;
}

/** All rows of these tables, without their pictures. */
export async function rowsOf(tables: readonly Table[]): Promise<Row[]> {
  return (await Promise.all(tables.map((table) => table.rows(["image"])))).flat();
}

/**
 * All rows of the files that have these columns, without their pictures. Throws as `tablesWith`, and if no file has the
 * columns.
 */
export async function rowsWith(data: DataFolder, columns: readonly string[], prefer: RegExp[]): Promise<Row[]> {
  const tables = await tablesWith(data, columns, prefer);
  if (tables.length === 0) await refuseColumns(data, columns);
  return rowsOf(tables);
}

/** Throws an Error that lists the missing and the existing columns. */
async function refuseColumns(data: DataFolder, columns: readonly string[]): Promise<void> {
  const [file] = data.files(TABLES);
  if (file === undefined) return;
  const found = (await Table.open(file)).columns;
  const missing = columns.filter((name) => !found.includes(name));
  throw new Error(
    `${file}: no column ${missing.map((name) => `"${name}"`).join(", ")}, only ${found.join(", ")}; use the benchmark's files, as lmms-lab mirrors them`,
  );
}

/** The hub stores a picture as bytes with a path, others as bytes or base64. */
function pictureBytes(value: unknown, column: string, at: string): Uint8Array {
  const bytes = value !== null && typeof value === "object" && "bytes" in value ? value.bytes : value;
  if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
  if (typeof bytes === "string" && bytes !== "") return Buffer.from(bytes, "base64");
  throw new Error(`${at}: no picture in column "${column}", got ${shown(value ?? null)}; download the file again`);
}

/** The file is opened for each read, because there may be hundreds of files. */
function bufferOf(path: string, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? byteLength + start : start;
      const bytes = new Uint8Array(end - from);
      const handle = await open(path);
      try {
        await handle.read(bytes, 0, bytes.length, from);
      } finally {
        await handle.close();
      }
      return bytes.buffer;
    },
  };
}

function broken(path: string, error: Error): never {
  const [reason] = error.message.split("\n");
  throw new Error(`${path}: cannot read this Parquet file (${reason}); download it again, or write it with Snappy`);
}
