/** GPTQ as AutoGPTQ, GPTQModel and AutoRound save it: words along the columns, groups by `g_idx`. */

import type { TensorEntry } from "../../safetensors.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import type { PackingConfig } from "./config.ts";
import { moduleKey, nameTest } from "./module-names.ts";
import { describeTransposed, type Orders, type TransposedFormat } from "./transposed.ts";

export interface Transposed {
  tensors: StoredTensor[];
  /** Tensors that are not needed. */
  spare: string[];
}

/** Exceptions of a config; published ones have a few. */
const MAX_EXCEPTIONS = 256;

/** The settings of all modules. */
function readGptq(config: PackingConfig): TransposedFormat {
  // "checkpoint_format" of AutoGPTQ and GPTQModel; "format" of newer GPTQModel; "packing_format" of AutoRound.
  const format = config.text(["checkpoint_format", "format", "packing_format"], "gptq");
  const known: Readonly<Record<string, 0 | 1>> = {
    gptq: 1,
    gptq_v2: 0,
    "auto_round:auto_gptq": 1,
    "auto_round:gptq": 1,
  };
  if (!Object.hasOwn(known, format.text) || config.value("is_marlin_format") === true)
    throw config.unsupported(
      config.value("is_marlin_format") === true ? "is_marlin_format" : format.name,
      "gptq, gptq_v2",
    );
  const dtype = config.text(["pack_dtype"], "int32");
  if (dtype.text !== "int32") throw config.unsupported(dtype.name, "int32");
  return { ...readSizes(config), name: "gptq", zeroOffset: known[format.text]!, along: "columns" };
}

function readSizes(
  config: PackingConfig,
  common: Pick<TransposedFormat, "bits" | "group" | "isSymmetric"> = { bits: 4, group: 128, isSymmetric: false },
): Pick<TransposedFormat, "bits" | "group" | "isSymmetric" | "places"> {
  const bits = config.oneOf(["bits", "wbits", "w_bit"], common.bits, [4, 8]) as 4 | 8;
  return {
    bits,
    group: config.groupSize(["group_size", "groupsize", "q_group_size"], common.group),
    isSymmetric: config.boolean("sym", common.isSymmetric),
    places: Array.from({ length: 32 / bits }, (_, i) => i),
  };
}

/** True where columns may be in the order of activations, so that `g_idx` must be read to know. */
export function mayBeShuffled(config: PackingConfig): boolean {
  return config.value("desc_act") !== false || config.entries().length === 0;
}

/** Finds the packed matrices of a file: a module with `qweight` is packed. */
export function findGptq(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>, orders: Orders): Transposed {
  const common = readGptq(config);
  const exceptions = readExceptions(config);
  const tensors: StoredTensor[] = [];
  const spare: string[] = [];
  for (const name of entries.keys()) {
    if (!name.endsWith(".qweight")) continue;
    const module = name.slice(0, -".qweight".length);
    const own = exceptions.find(({ matches }) => matches(module))?.own;
    const format = own ? { ...common, ...readSizes(own, common) } : common;
    tensors.push(describeTransposed(module, format, entries, orders.get(module)));
    // AutoGPTQ writes a bias of zeros for every module, also for those that have none.
    if (entries.has(`${module}.bias`)) spare.push(`${module}.bias`);
  }
  return { tensors, spare };
}

/**
 * GPTQModel's `dynamic`: expressions with a sign -> other settings. Those with "-" are not packed and need no settings.
 */
function readExceptions(config: PackingConfig): { matches: (module: string) => boolean; own: PackingConfig }[] {
  // AutoRound's `extra_config`: names of modules or expressions -> other settings.
  const lists = ["dynamic", "extra_config"].map((name) => ({
    list: config.object(name),
    hasNames: name === "extra_config",
  }));
  const all = lists.flatMap(({ list, hasNames }) =>
    (list?.entries() ?? []).map(([key]) => ({ list: list!, hasNames, key })),
  );
  if (all.length > MAX_EXCEPTIONS && config.object("dynamic"))
    throw config.unsupported("dynamic", `up to ${MAX_EXCEPTIONS} entries`);
  return all.flatMap(({ list, hasNames, key }) => {
    const own = list.object(key);
    if (!own || key.startsWith("-")) return [];
    const expression = key.replace(/^\+:?/, "").replace(/^:/, "");
    // GPTQModel matches from the start of a name: "model.layers.0" is all of that layer.
    const isName = hasNames && /^[\w.]+$/.test(expression);
    const wanted = moduleKey(expression);
    // 16 bits: the module is not packed.
    const bits = own.value("bits");
    if (typeof bits === "number" && bits >= 16) return [];
    const matches = isName ? (module: string) => moduleKey(module) === wanted : nameTest(list, key, expression);
    return [{ matches, own }];
  });
}
