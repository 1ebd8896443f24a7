/** Parquet files as the hub writes them for data sets: texts, numbers, lists, and pictures as bytes with a path. Node only. */
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";

type Element = NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>[number];

/** Kinds of columns. */
export type Kind = "text" | "number" | "texts" | "annotators" | "picture" | "bytes";
/** Name -> kind and values. */
export type Columns = Record<string, [kind: Kind, values: readonly unknown[]]>;

const OPTIONAL = { repetition_type: "OPTIONAL" } as const;
const text = (name: string): Element => ({ name, type: "BYTE_ARRAY", converted_type: "UTF8", ...OPTIONAL });
const bytes = (name: string): Element => ({ name, type: "BYTE_ARRAY", ...OPTIONAL });
const list = (name: string): Element[] => [
  { name, converted_type: "LIST", num_children: 1, ...OPTIONAL },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
];

const ELEMENTS: Record<Kind, (name: string) => Element[]> = {
  text: (name) => [text(name)],
  number: (name) => [{ name, type: "INT64", ...OPTIONAL }],
  bytes: (name) => [bytes(name)],
  texts: (name) => [...list(name), text("element")],
  annotators: (name) => [
    ...list(name),
    { name: "element", num_children: 2, ...OPTIONAL },
    text("answer"),
    text("answer_confidence"),
  ],
  picture: (name) => [{ name, num_children: 2, ...OPTIONAL }, bytes("bytes"), text("path")],
};

/** A file with two rows a group, so that there are several. */
export function parquetFile(columns: Columns, codec: "SNAPPY" | "GZIP" = "SNAPPY"): Uint8Array {
  const entries = Object.entries(columns);
  const root: Element = { name: "root", num_children: entries.length };
  const buffer = parquetWriteBuffer({
    schema: [root, ...entries.flatMap(([name, [kind]]) => ELEMENTS[kind](name))],
    columnData: entries.map(([name, [kind, values]]) => ({ name, data: values.map((value) => cell(kind, value)) })),
    codec,
    compressors: { ...(codec === "GZIP" && { GZIP: (input: Uint8Array) => new Uint8Array(gzipSync(input)) }) },
    rowGroupSize: 2,
  });
  return new Uint8Array(buffer);
}

function cell(kind: Kind, value: unknown): unknown {
  if (kind === "number") return BigInt(value as number);
  if (kind === "annotators")
    return (value as string[] | null)?.map((answer) => ({ answer, answer_confidence: "yes" })) ?? null;
  if (kind === "picture") return value && { bytes: value, path: "picture.png" };
  return value;
}
