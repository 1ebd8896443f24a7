/** Which packing a checkpoint has, by its config, and the matrices that its tensors hold. The one place that decides it. */
import { isJsonObject, quoted } from "../../../shared/json.ts";
import type { TensorEntry } from "../../safetensors.ts";
import { findAwq } from "./awq.ts";
import { findChannelsLast } from "./channels-last.ts";
import { findCompressed } from "./compressed-tensors.ts";
import { PackingConfig } from "./config.ts";
import { findGptq, mayBeShuffled } from "./gptq.ts";
import { findMlx } from "./mlx.ts";
import { badTensor, type PackedTensor } from "./packed-tensor.ts";
import type { Orders } from "./transposed.ts";

/** The packing that a config describes. */
export interface Packing {
  /** As people call it, such as "AWQ". */
  readonly name: string;
  readonly config: PackingConfig;
  readonly find: Finder;
}

type Finder = (config: PackingConfig, entries: Entries, orders: Orders) => Found;
type Entries = ReadonlyMap<string, TensorEntry>;
type Found = Pick<PackedFiles, "tensors"> & Partial<PackedFiles>;

/** The matrices of a packed checkpoint. */
export interface PackedFiles {
  readonly tensors: readonly PackedTensor[];
  /** Names of tensors that nothing needs. */
  readonly spare: readonly string[];
  /** Sentences about parts of the config that are passed over. */
  readonly warnings: readonly string[];
}

/** Files beside config.json that older tools wrote the description to. */
export const PACKING_FILES = ["quantize_config.json", "quant_config.json"] as const;

const MLX = { name: "MLX", find: (...args: Parameters<Finder>): Found => ({ tensors: findMlx(args[0], args[1]) }) };
const COMPRESSED = {
  name: "compressed-tensors",
  find: (...args: Parameters<Finder>): Found => findCompressed(args[0], args[1]),
};
const AWQ = { name: "AWQ", find: (...args: Parameters<Finder>): Found => ({ tensors: findAwq(args[0], args[1]) }) };
const GPTQ = { name: "GPTQ", find: findGptq as Finder };

/** By `quant_method`, in lower case with dashes. */
const METHODS: Readonly<Record<string, Pick<Packing, "name" | "find">>> = {
  mlx: MLX,
  "compressed-tensors": COMPRESSED,
  awq: AWQ,
  gptq: GPTQ,
};
const SUPPORTED = "mlx (affine), compressed-tensors, awq (gemm), gptq; or load the unquantised checkpoint";

/**
 * The packing that a checkpoint's files describe; undefined for a plain checkpoint.
 *
 * @param files parsed JSON by name: config.json, and those of `PACKING_FILES` that exist
 * @throws FoveaError `unsupported-model`, naming the method
 */
export function readPacking(files: Readonly<Record<string, unknown>>): Packing | undefined {
  const config = files["config.json"];
  if (!isJsonObject(config)) return undefined;
  const found = describedIn(config, "config.json");
  if (found) return found;
  // Configs of models with pictures may have it beside the fields of one half.
  for (const half of ["text_config", "llm_config", "vision_config"]) {
    const inside = Object.hasOwn(config, half) ? config[half] : undefined;
    const found = isJsonObject(inside) ? describedIn(inside, `config.json: ${half}`) : undefined;
    if (found) return found;
  }
  for (const name of PACKING_FILES) {
    const fields = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!isJsonObject(fields)) continue;
    const isAwq =
      fields.quant_method === "awq" || (fields.quant_method === undefined && Object.hasOwn(fields, "w_bit"));
    const described = new PackingConfig(fields, name);
    return { ...(typeof fields.quant_method === "string" ? method(described) : isAwq ? AWQ : GPTQ), config: described };
  }
  return undefined;
}

function describedIn(fields: Readonly<Record<string, unknown>>, where: string): Packing | undefined {
  const own = (name: string) => {
    const value = Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
    if (value === undefined) return undefined;
    const path = where.includes(":") ? `${where}.${name}` : `${where}: ${name}`;
    if (!isJsonObject(value)) throw new PackingConfig(fields, where).unsupported(name, "an object");
    return Object.keys(value).length === 0 ? undefined : new PackingConfig(value, path);
  };
  const quantization = own("quantization");
  if (quantization && quantization.value("quant_method") === undefined) return { ...MLX, config: quantization };
  const config = own("quantization_config") ?? quantization;
  return config && { ...method(config), config };
}

function method(config: PackingConfig): Pick<Packing, "name" | "find"> {
  if (config.value("quant_method") === undefined) {
    for (const flag of ["load_in_4bit", "load_in_8bit"])
      if (config.value(flag) === true) throw config.unsupported(flag, `false (bitsandbytes); ${SUPPORTED}`);
    if (config.value("bits") !== undefined && config.value("group_size") !== undefined) return MLX;
  }
  const { text } = config.text(["quant_method"], "missing");
  const name = text.replaceAll("_", "-").split("/").at(-1)!;
  if (name === "auto-round" || name === "autoround") return autoRound(config);
  if (!Object.hasOwn(METHODS, name)) throw config.unsupported("quant_method", SUPPORTED);
  return METHODS[name]!;
}

/** AutoRound packs as others do, and says like whom. */
function autoRound(config: PackingConfig): Pick<Packing, "name" | "find"> {
  const { name, text } = config.text(["packing_format", "backend"], "missing");
  if (text.includes("awq")) return AWQ;
  if (text.includes("gptq")) return GPTQ;
  if (text.includes("llm_compressor")) return COMPRESSED;
  throw config.unsupported(name, "auto_round:auto_gptq, auto_round:auto_awq");
}

/**
 * The matrices of a checkpoint, packed ones and those of another layout.
 *
 * @param packing as `readPacking` returns it
 * @param entries all tensors of all files
 * @param read the bytes of a small tensor
 * @throws FoveaError `unsupported-model`, `bad-weights`; what `read` throws
 */
export async function findPacked(
  packing: Packing | undefined,
  entries: Entries,
  read: (entry: TensorEntry) => Promise<Uint8Array>,
): Promise<PackedFiles> {
  const plain = findChannelsLast(entries.values());
  if (!packing) {
    refusePacked(entries);
    return { tensors: plain, spare: [], warnings: [] };
  }
  const orders = await readOrders(packing, entries, read);
  const { tensors, spare = [], warnings = [] } = packing.find(packing.config, entries, orders);
  const notes = [...warnings];
  if (tensors.length === 0)
    notes.push(`${packing.config.where} describes weights packed by ${packing.name}, but no tensor is packed.`);
  const unpacked = tensors.filter(({ encoding }) => encoding.layout === "f32");
  if (unpacked.length > 0)
    notes.push(
      `${unpacked.length} matrices have their columns in activation order (desc_act). They are unpacked, and stored as the weights option says.`,
    );
  return { tensors: [...tensors, ...plain], spare, warnings: notes };
}

/** Reads the groups of columns where the config allows any order: a few kilobytes a matrix. */
async function readOrders(
  { config, name }: Packing,
  entries: Entries,
  read: (entry: TensorEntry) => Promise<Uint8Array>,
): Promise<Orders> {
  const orders = new Map<string, Int32Array>();
  if (name !== GPTQ.name || !mayBeShuffled(config)) return orders;
  const found = [...entries.values()].filter(({ name, dtype }) => name.endsWith(".g_idx") && dtype === "I32");
  await Promise.all(
    found.map(async (entry) => {
      const bytes = await read(entry);
      orders.set(entry.name.slice(0, -".g_idx".length), new Int32Array(bytes.slice().buffer));
    }),
  );
  return orders;
}

/** Refuses packed tensors that no config describes. */
function refusePacked(entries: Entries): void {
  for (const { name, dtype } of entries.values()) {
    const isPacked = /\.(qweight|weight_packed)$/.test(name) || (dtype === "U32" && name.endsWith(".weight"));
    if (isPacked) throw badTensor(quoted(name), "is packed, but config.json has no quantization_config that says how");
  }
}

/** The names that a checkpoint's own tensors lose to its packed matrices. */
export function usedNames({ tensors, spare }: PackedFiles): ReadonlySet<string> {
  const planes = tensors.flatMap((tensor) => Object.values(tensor.planes).map((entry) => entry!.name));
  return new Set([...planes, ...spare]);
}
