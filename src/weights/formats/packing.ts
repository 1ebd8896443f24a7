/**
 * Packed weights in safetensors files: config.json says how a matrix is spread over several tensors. The one place that
 * decides which packing a checkpoint has.
 */
import { isJsonObject } from "../../shared/json.ts";
import type { ReadOptions } from "../byte-source.ts";
import type { TensorEntry } from "../safetensors.ts";
import { isUnpackedEncoding } from "./encoding.ts";
import { findAwq } from "./packed/awq.ts";
import { findChannelsLast } from "./packed/channels-last.ts";
import { findCompressed } from "./packed/compressed-tensors.ts";
import { PackingConfig } from "./packed/config.ts";
import { findGptq, mayBeShuffled } from "./packed/gptq.ts";
import { findMlx } from "./packed/mlx.ts";
import { badTensor } from "./packed/packed-tensor.ts";
import type { Orders } from "./packed/transposed.ts";
import { type PackedFiles, packingParts, type StoredTensors } from "./packed-files.ts";
import { plainTensor, type StoredTensor } from "./stored-tensor.ts";

/** Files beside config.json to which older tools wrote how they packed. */
const PACKING_FILES = ["quantize_config.json", "quant_config.json"];

interface Found {
  tensors: readonly StoredTensor[];
  /** Tensors that nothing needs. */
  spare?: readonly string[];
  notes?: readonly string[];
}

/** A way to pack weights. */
interface Packing {
  /** As people call it. */
  readonly name: string;
  find(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>, orders: Orders): Found;
  /** True where the groups of columns must be read to know how its matrices are arranged. */
  readsOrders?(config: PackingConfig): boolean;
}

const MLX: Packing = {
  name: "MLX",
  find: (config, entries) => ({ tensors: findMlx(config, entries) }),
};
const COMPRESSED: Packing = {
  name: "compressed-tensors",
  find: findCompressed,
};
const AWQ: Packing = {
  name: "AWQ",
  find: (config, entries) => ({ tensors: findAwq(config, entries) }),
};
const GPTQ: Packing = {
  name: "GPTQ",
  find: findGptq,
  readsOrders: mayBeShuffled,
};

/** By `quant_method`, in lower case with dashes. */
const METHODS: Readonly<Record<string, Packing>> = {
  mlx: MLX,
  "compressed-tensors": COMPRESSED,
  awq: AWQ,
  gptq: GPTQ,
};
const SUPPORTED =
  "mlx (affine), compressed-tensors, awq (gemm), gptq; or load the unquantised checkpoint, Fovea quantises it by itself";

/** As `storedTensors`, for files that may be packed. */
export async function arrangedTensors(packed: PackedFiles, options: ReadOptions): Promise<StoredTensors> {
  const { entries, config } = packed;
  const found = findPacking(config) ?? (await findBeside(packed));
  const tensors = new Map([...entries].map(([name, entry]) => [name, plainTensor(entry)]));
  const notes: string[] = [];
  if (found) {
    const { packing, config: fields } = found;
    const orders = packing.readsOrders?.(fields) ? await readOrders(packed, options) : new Map();
    const { tensors: matrices, spare = [], notes: remarks = [] } = packing.find(fields, entries, orders);
    for (const name of spare) tensors.delete(name);
    for (const { planes } of matrices) for (const { name } of planes) tensors.delete(name);
    for (const matrix of matrices) tensors.set(matrix.name, matrix);
    notes.push(...remarks);
    if (matrices.length === 0)
      notes.push(`${fields.where} describes weights packed by ${packing.name}, but no tensor is packed.`);
    const unpacked = matrices.filter(({ encoding }) => isUnpackedEncoding(encoding));
    if (unpacked.length > 0)
      notes.push(
        `${unpacked.length} of ${matrices.length} packed matrices have columns in activation order (desc_act). They are unpacked, and kept as an unpacked checkpoint would be.`,
      );
  }
  for (const tensor of findChannelsLast(entries.values())) tensors.set(tensor.name, tensor);
  return { tensors, notes };
}

interface Described {
  packing: Packing;
  /** The fields that describe it. */
  config: PackingConfig;
}

/** The packing that config.json describes; undefined for a plain checkpoint. Throws FoveaError `unsupported-model`. */
function findPacking(config: PackedFiles["config"]): Described | undefined {
  for (const { fields, where } of packingParts(config)) {
    const found = describedIn(fields, where);
    if (found) return found;
  }
  return undefined;
}

/**
 * Files that older tools write beside config.json. They are read only if tensors are packed; without them those are
 * refused.
 */
async function findBeside({ entries, json }: PackedFiles): Promise<Described | undefined> {
  const packed = [...entries.values()].find(
    ({ name, dtype }) => /\.(qweight|weight_packed)$/.test(name) || (dtype === "U32" && name.endsWith(".weight")),
  );
  if (!packed) return undefined;
  for (const name of PACKING_FILES) {
    const fields = await json?.(name);
    if (!isJsonObject(fields)) continue;
    const config = new PackingConfig(fields, name);
    if (fields.quant_method !== undefined) return { packing: packingOf(config), config };
    return { packing: Object.hasOwn(fields, "w_bit") ? AWQ : GPTQ, config };
  }
  throw badTensor(packed.name, "is packed, but config.json has no quantization_config that says how");
}

function describedIn(fields: Readonly<Record<string, unknown>>, where: string): Described | undefined {
  const own = (name: string) => {
    const value = Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
    if (value === undefined) return undefined;
    const path = `${where}${name}`;
    if (!isJsonObject(value))
      throw new PackingConfig({ [name]: value }, where.slice(0, -1)).unsupported(name, "an object");
    return new PackingConfig(value, path);
  };
  const quantization = own("quantization");
  if (quantization && isMlx(quantization)) return { packing: MLX, config: quantization };
  const config = own("quantization_config") ?? quantization;
  return config && { packing: packingOf(config), config };
}

function packingOf(config: PackingConfig): Packing {
  if (config.value("quant_method") === undefined) {
    for (const flag of ["load_in_4bit", "load_in_8bit"])
      if (config.value(flag) === true) throw config.unsupported(flag, `false (bitsandbytes), ${SUPPORTED}`);
    if (isMlx(config)) return MLX;
    throw config.unsupported("quant_method", SUPPORTED);
  }
  const { text } = config.text(["quant_method"], "");
  const name = text.replaceAll("_", "-").split("/").at(-1)!;
  if (name === "auto-round" || name === "autoround") return autoRound(config);
  if (!Object.hasOwn(METHODS, name)) throw config.unsupported("quant_method", SUPPORTED);
  return METHODS[name]!;
}

/** MLX alone names no method. */
function isMlx(config: PackingConfig): boolean {
  const has = (name: string) => config.value(name) !== undefined;
  return !has("quant_method") && (has("mode") || (has("bits") && has("group_size")));
}

/** AutoRound packs as others do, and says like whom. */
function autoRound(config: PackingConfig): Packing {
  const { name, text } = config.text(["packing_format", "backend"], "");
  if (text.includes("awq")) return AWQ;
  if (text.includes("gptq")) return GPTQ;
  if (text.includes("llm_compressor")) return COMPRESSED;
  throw config.unsupported(name, "auto_round:auto_gptq, auto_round:auto_awq");
}

/** Reads the group of each column, a few kilobytes a matrix. */
async function readOrders({ entries, files }: PackedFiles, options: ReadOptions): Promise<Orders> {
  const orders = new Map<string, Int32Array>();
  for (const { name, dtype, file, start, end } of entries.values()) {
    if (!name.endsWith(".g_idx") || dtype !== "I32") continue;
    const bytes = await files.get(file)!.read(start, end, options);
    orders.set(name.slice(0, -".g_idx".length), new Int32Array(bytes.slice().buffer));
  }
  return orders;
}
