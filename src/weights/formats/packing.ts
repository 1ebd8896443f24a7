/**
 * Packed weights in safetensors files: config.json says how a matrix is spread over several tensors. The one place that
 * decides which packing a checkpoint has.
 */
import { isJsonObject } from "../../shared/json.ts";
import type { ByteSource, ReadOptions } from "../byte-source.ts";
import type { TensorEntry } from "../safetensors.ts";
import { isUnpackedEncoding } from "./encoding.ts";
import { findChannelsLast } from "./packed/channels-last.ts";
import { PackingConfig } from "./packed/config.ts";
import { badTensor } from "./packed/packed-tensor.ts";
import type { Orders } from "./packed/transposed.ts";
import { plainTensor, type StoredTensor } from "./stored-tensor.ts";

/** What a packing reads. */
export interface PackedFiles {
  /** Tensors of all files, by their names there. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Another JSON file of the folder; undefined where it has none. */
  json?(name: string): Promise<unknown>;
  /** By name, for the few values that must be known before anything is decoded. */
  readonly files: ReadonlyMap<string, ByteSource>;
}

/** The tensors of a checkpoint as their family knows them: packed ones by the name of the weight that they stand for. */
export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What a person may want to know, a sentence each. */
  readonly notes: readonly string[];
}

/** Files beside config.json to which older tools wrote how they packed. */
const PACKING_FILES = ["quantize_config.json", "quant_config.json"];

interface Found {
  tensors: readonly StoredTensor[];
  /** Tensors that nothing needs. */
  spare?: readonly string[];
  warnings?: readonly string[];
}

/** A way to pack weights. Its code is loaded with the first checkpoint that is packed so. */
interface Packing {
  /** As people call it. */
  readonly name: string;
  find(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>, orders: Orders): Promise<Found>;
  /** True where the groups of columns must be read to know how its matrices are arranged. */
  readsOrders?(config: PackingConfig): Promise<boolean>;
}

const MLX: Packing = {
  name: "MLX",
  find: async (config, entries) => ({ tensors: (await import("./packed/mlx.ts")).findMlx(config, entries) }),
};
const COMPRESSED: Packing = {
  name: "compressed-tensors",
  find: async (config, entries) => (await import("./packed/compressed-tensors.ts")).findCompressed(config, entries),
};
const AWQ: Packing = {
  name: "AWQ",
  find: async (config, entries) => ({ tensors: (await import("./packed/awq.ts")).findAwq(config, entries) }),
};
const GPTQ: Packing = {
  name: "GPTQ",
  find: async (config, entries, orders) => (await import("./packed/gptq.ts")).findGptq(config, entries, orders),
  readsOrders: async (config) => (await import("./packed/gptq.ts")).mayBeShuffled(config),
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

/**
 * The tensors of a checkpoint.
 *
 * @throws FoveaError `unsupported-model` for a packing that is not read, `bad-weights` for tensors that contradict each
 * other or the config; what reading throws
 */
export async function storedTensors(packed: PackedFiles, options: ReadOptions): Promise<StoredTensors> {
  const { entries, config } = packed;
  const found = findPacking(config) ?? (await findBeside(packed));
  const tensors = new Map([...entries].map(([name, entry]) => [name, plainTensor(entry)]));
  const notes: string[] = [];
  if (found) {
    const { packing, config: fields } = found;
    const orders = (await packing.readsOrders?.(fields)) ? await readOrders(packed, options) : new Map();
    const { tensors: matrices, spare = [], warnings = [] } = await packing.find(fields, entries, orders);
    for (const name of spare) tensors.delete(name);
    for (const { planes } of matrices) for (const { name } of planes) tensors.delete(name);
    for (const matrix of matrices) tensors.set(matrix.name, matrix);
    notes.push(...warnings);
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
export function findPacking(config: PackedFiles["config"]): Described | undefined {
  // A config.json of another kind is refused where the model is described.
  if (!isJsonObject(config)) return undefined;
  const found = describedIn(config, "config.json: ");
  if (found) return found;
  // Configs of models with pictures may have it among the fields of one half.
  for (const half of ["text_config", "llm_config", "vision_config"]) {
    const inside = Object.hasOwn(config, half) ? config[half] : undefined;
    const found = isJsonObject(inside) ? describedIn(inside, `config.json: ${half}.`) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** What older tools wrote beside config.json. Looked for only where tensors are packed; without it they are refused. */
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
