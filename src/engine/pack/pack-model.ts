/**
 * Writes a small copy of a model: a folder in Hugging Face's layout, with matrices packed as in compressed-tensors.
 * Tensors are streamed; only a transposed one is held whole.
 */
import { FoveaError } from "../../errors.ts";
import { matchCheckpoint } from "../../model/load/untied.ts";
import { assert } from "../../shared/assert.ts";
import { halfBits, halfValue } from "../../shared/half.ts";
import { COMPANION_FILES } from "../../shared/model-files.ts";
import { elementCount } from "../../shared/shape.ts";
import type { ReadOptions } from "../../weights/byte-source.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import type { ModelFolder } from "../../weights/folder.ts";
import { flipSigns } from "../../weights/formats/packed/integers.ts";
import { ROUND_GROUP, roundGroups } from "../../weights/formats/packed/round-groups.ts";
import {
  bytesOf,
  CheckpointWriter,
  type FolderSink,
  type WrittenTensor,
} from "../../weights/formats/packed/write-safetensors.ts";
import { readRows } from "../../weights/formats/read-rows.ts";
import { openModel } from "../../weights/formats/registry.ts";
import { readModel } from "../read-model.ts";
import {
  isPackedKeep,
  type ModelPart,
  moduleOf,
  type PackedItem,
  type PackOptions,
  packedConfig,
  planPack,
} from "./plan-pack.ts";

/** Below the limit of old file systems and 32-bit parsers. */
const SHARD_BYTES = 2_000_000_000;
/** The f16 exponent of infinity and NaN. */
const INFINITE_HALF = 0x7c00;

export interface PackModelOptions extends PackOptions, ReadOptions {
  /** The source of the copy, for `fovea.packed-from`. */
  source: string;
  shardBytes?: number;
  /** Called before the first file is written, with the bytes of all tensors; may throw. */
  onPlan?(byteLength: number): Promise<void>;
  /** Called after each tensor. */
  onProgress?(progress: { tensors: number; ofTensors: number; bytes: number }): void;
}

/** The result for a part of the model. */
export interface PackedPart {
  part: ModelPart;
  /** "4 bits", "8 bits", or a dtype. */
  kept: string;
  tensors: number;
  parameters: number;
  bytes: number;
}

export interface PackSummary {
  family: string;
  parts: PackedPart[];
  /** Names of the written files. */
  files: string[];
  bytes: number;
  /** Sentences for the user. */
  notes: string[];
}

/**
 * Packs the model of a folder into another.
 *
 * @throws FoveaError `unsupported-model`, `bad-weights`, `download-failed`, `aborted`; errors of the sink. The copy is
 * then incomplete.
 */
export async function packModel(from: ModelFolder, to: FolderSink, options: PackModelOptions): Promise<PackSummary> {
  const { signal, source, shardBytes = SHARD_BYTES } = options;
  const model = await openModel(from, { signal });
  const { spec, files } = await readModel(model.folder, { signal });
  const config = files["config.json"] as Record<string, unknown>;
  const checkpoint = await model.checkpoint(config, { signal });
  const matched = await matchCheckpoint(spec, checkpoint, { signal });
  const plan = planPack(spec, matched, checkpoint.tensors, options);

  const expected = plan.items.flatMap((item) => tensorsOf(item, "F16"));
  await options.onPlan?.(expected.reduce((sum, tensor) => sum + bytesOf(tensor), 0));

  const written: string[] = [];
  const writeText = async (name: string, text: string) => {
    const file = await to.create(name);
    await file.write(0, new TextEncoder().encode(text));
    await file.close();
    written.push(name);
  };
  for (const name of COMPANION_FILES) {
    const text = name === "config.json" ? packedConfig(config, plan) : await model.folder.text(name, { signal });
    if (text !== undefined) await writeText(name, text);
  }
  const planned = plan.items.flatMap((item) => tensorsOf(item, "F32"));
  const metadata = { format: "pt", "fovea.packed-from": source };
  const writer = new CheckpointWriter(to, planned, { metadata, shardBytes });
  const summary = new Summary();
  for (const [i, item] of plan.items.entries()) {
    summary.add(item, await writeItem(writer, checkpoint, item, { signal }));
    options.onProgress?.({ tensors: i + 1, ofTensors: plan.items.length, bytes: summary.bytes });
  }
  written.push(...(await writer.end()));
  for (const source of checkpoint.files.values()) await source.finish?.({ signal });
  const isTiled = spec.decoder?.layers.some((layer) => layer.kind === "delta" && layer.delta.tiled);
  if (isTiled)
    summary.notes.push("Its value heads are in the source's order, which Fovea reads and other tools do not.");
  const notes = [...model.notes, ...(checkpoint.notes ?? []), ...summary.notes];
  return { family: spec.family, parts: summary.parts(), files: written, bytes: summary.bytes, notes };
}

/** The tensors that an item becomes, with their largest sizes. */
function tensorsOf({ tensor, keep }: PackedItem, scales: "F16" | "F32"): WrittenTensor[] {
  const { name, shape, encoding } = tensor;
  if (!isPackedKeep(keep)) {
    assert(keep !== "copy" || "dtype" in encoding, `${name} is packed`);
    return [{ name, shape, dtype: keep === "copy" ? (encoding as { dtype: WrittenTensor["dtype"] }).dtype : keep }];
  }
  const module = moduleOf(name);
  const [rows, columns] = shape as [number, number];
  return [
    { name: `${module}.weight_shape`, dtype: "I64", shape: [2] },
    { name: `${module}.weight_packed`, dtype: "I32", shape: [rows, (columns * keep) / 32] },
    { name: `${module}.weight_scale`, dtype: scales, shape: [rows, columns / ROUND_GROUP] },
  ];
}

/** Writes one tensor of the model. Returns its bytes. */
async function writeItem(
  writer: CheckpointWriter,
  checkpoint: Checkpoint,
  item: PackedItem,
  options: ReadOptions,
): Promise<number> {
  const { tensor, keep } = item;
  const most = tensorsOf(item, "F32");
  await writer.begin(most.reduce((sum, tensor) => sum + bytesOf(tensor), 0));
  if (!isPackedKeep(keep)) {
    await writer.add(most[0]!, keep === "copy" ? copied(checkpoint, item, options) : plain(checkpoint, item, options));
    return bytesOf(most[0]!);
  }
  const [rows, columns] = tensor.shape as [number, number];
  const scales = new Float32Array((rows * columns) / ROUND_GROUP);
  const shape = new BigInt64Array([BigInt(rows), BigInt(columns)]);
  await writer.add(most[0]!, [new Uint8Array(shape.buffer)]);
  await writer.add(most[1]!, rounded(checkpoint, item, keep, scales, options));
  const isF16 = scales.every((scale) => halfValue(halfBits(scale)) === scale);
  const scaleTensor = tensorsOf(item, isF16 ? "F16" : "F32")[2]!;
  await writer.add(scaleTensor, [isF16 ? f16Bytes(scales, tensor.name) : new Uint8Array(scales.buffer)]);
  return bytesOf(most[0]!) + bytesOf(most[1]!) + bytesOf(scaleTensor);
}

/** The integers of a matrix, as unsigned words; its scales go into `scales`. */
async function* rounded(
  checkpoint: Checkpoint,
  { tensor }: PackedItem,
  bits: 4 | 8,
  scales: Float32Array,
  options: ReadOptions,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const values of readRows(checkpoint, tensor, options)) {
    const group = roundGroups(values, bits);
    if (group.tooLarge > 0)
      throw new FoveaError(
        "bad-weights",
        `tensor ${tensor.name} has ${group.tooLarge} groups of values too large for scales of 16 bits; it cannot be packed`,
      );
    scales.set(group.scales, at);
    at += group.scales.length;
    // Nibbles count from -8 already; bytes are to count from -128.
    yield bits === 4 ? group.integers : flipSigns(group.integers);
  }
}

async function* plain(checkpoint: Checkpoint, { tensor, keep }: PackedItem, options: ReadOptions) {
  for await (const values of readRows(checkpoint, tensor, options))
    yield keep === "F32"
      ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      : keep === "F16"
        ? f16Bytes(values, tensor.name)
        : bf16Bytes(values);
}

/** The bytes of a tensor that is not converted. */
async function* copied({ files }: Checkpoint, { tensor }: PackedItem, options: ReadOptions) {
  for (const { file, start, end } of tensor.planes) yield* files.get(file)!.stream(start, end, options);
}

function f16Bytes(values: Float32Array, name: string): Uint8Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const half = halfBits(values[i]!);
    if ((half & INFINITE_HALF) === INFINITE_HALF)
      throw new FoveaError(
        "bad-weights",
        `tensor ${name} holds ${values[i]}, which 16 bits cannot hold; it cannot be packed`,
      );
    halves[i] = half;
  }
  return new Uint8Array(halves.buffer);
}

/** The upper halves of the bits, for values that were BF16. */
function bf16Bytes(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}

class Summary {
  bytes = 0;
  readonly notes: string[] = [];
  readonly #parts = new Map<string, PackedPart>();
  #repacked = 0;

  add({ part, keep, tensor }: PackedItem, bytes: number): void {
    this.bytes += bytes;
    if (isPackedKeep(keep) && "layout" in tensor.encoding && ++this.#repacked === 1)
      this.notes.push("The source is packed already. Its values are rounded once more, which loses accuracy.");
    const dtype = "dtype" in tensor.encoding ? tensor.encoding.dtype : "";
    const kept = isPackedKeep(keep) ? `${keep} bits` : keep === "copy" ? dtype : keep;
    const key = `${part} ${kept}`;
    const sum = this.#parts.get(key) ?? { part, kept, tensors: 0, parameters: 0, bytes: 0 };
    sum.tensors++;
    sum.parameters += elementCount(tensor.shape);
    sum.bytes += bytes;
    this.#parts.set(key, sum);
  }

  parts(): PackedPart[] {
    return [...this.#parts.values()];
  }
}
