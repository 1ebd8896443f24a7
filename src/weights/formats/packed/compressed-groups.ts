/** The groups of a compressed-tensors config: which modules are packed, and how. */
import type { TensorEntry } from "../../safetensors.ts";
import { PackingConfig } from "./config.ts";
import { nameTest } from "./module-names.ts";
import { badTensor } from "./packed-tensor.ts";

/** How the modules of one group are packed. */
export interface CompressedGroup {
  bits: 4 | 8;
  /** Columns that share a scale, or what shares one. */
  group: number | "row" | "matrix";
  /** How well this group fits a module's name: 3 by name, 2 by expression, 1 by class, 0 not at all. */
  fits(module: string): number;
}

const FORMATS = ["pack-quantized", "naive-quantized", "int-quantized"];
/** Published configs have a few; each is tried on every module. */
const MAX_EXPRESSIONS = 256;

/** Schemes that a config may name in place of a group; the package defines more, of floats. */
const PRESETS: Readonly<Record<string, Record<string, unknown>>> = {
  W8A16: { num_bits: 8, strategy: "channel" },
  W4A16: { num_bits: 4, strategy: "group", group_size: 128 },
  W4A16_ASYM: { num_bits: 4, strategy: "group", group_size: 128, symmetric: false },
  W8A8: { num_bits: 8, strategy: "channel" },
  INT8: { num_bits: 8, strategy: "channel" },
};

/** @throws FoveaError `unsupported-model` for what the engine does not compute */
export function readGroups(config: PackingConfig): { groups: CompressedGroup[]; notes: string[] } {
  const format = config.text(["format"], "pack-quantized");
  if (![...FORMATS, "mixed-precision"].includes(format.text)) throw config.unsupported(format.name, FORMATS.join(", "));
  const sparsity = config.object("sparsity_config");
  if (sparsity && sparsity.text(["format"], "dense").text !== "dense") throw sparsity.unsupported("format", "dense");
  const transforms = config.object("transform_config")?.object("config_groups");
  if (transforms && transforms.entries().length > 0) throw config.unsupported("transform_config", "none");

  const notes: string[] = [];
  const list = config.object("config_groups");
  const entries = list?.entries() ?? [];
  if (!list || entries.length === 0) throw config.unsupported("config_groups", "at least one group");
  const groups = entries.map(([name, value]) => {
    const preset = Array.isArray(value) ? PRESETS[name.toUpperCase()] : undefined;
    if (preset)
      return readGroup(new PackingConfig({ targets: value, weights: preset }, `${list.where}.${name}`), notes);
    const group = list.object(name);
    if (!group) throw list.unsupported(name, "an object with targets and weights");
    return readGroup(group, notes);
  });
  if (config.value("kv_cache_scheme") !== undefined)
    notes.push(`${config.where}.kv_cache_scheme is ignored: the cache of keys and values is kept in floats.`);
  return { groups, notes: [...new Set(notes)] };
}

function readGroup(group: PackingConfig, notes: string[]): CompressedGroup {
  const format = group.text(["format"], "pack-quantized");
  if (!FORMATS.includes(format.text)) throw group.unsupported(format.name, FORMATS.join(", "));
  for (const name of ["input_activations", "output_activations"]) {
    if (group.value(name) === undefined) continue;
    if (group.object(name)?.value("dynamic") !== true)
      throw group.unsupported(name, "none, or dynamic: true (static activation quantisation changes the result)");
    notes.push(`${group.where}.${name} is ignored: activations are not quantised, so results are more exact.`);
  }
  const weights = group.object("weights");
  if (!weights) throw group.unsupported("weights", "an object");
  if (weights.text(["type"], "int").text !== "int") throw weights.unsupported("type", "int");
  if (weights.value("dynamic") === true) throw weights.unsupported("dynamic", "false");
  const size = weights.groupSize(["group_size"], 0);
  const strategy = weights.text(
    ["strategy"],
    size > 0 ? "group" : weights.value("group_size") === -1 ? "channel" : "tensor",
  );
  if (!["group", "channel", "tensor"].includes(strategy.text))
    throw weights.unsupported("strategy", "group, channel, tensor");
  if (strategy.text === "group" && size === 0) throw weights.unsupported("group_size", "an integer from 1");
  return {
    bits: weights.oneOf("num_bits", 8, [4, 8]) as 4 | 8,
    group: strategy.text === "group" ? size : strategy.text === "channel" ? "row" : "matrix",
    fits: readTargets(group),
  };
}

function readTargets(group: PackingConfig): (module: string) => number {
  const targets = group.strings("targets");
  const names = new Set(targets);
  const expressions = targets.filter((target) => target.startsWith("re:"));
  if (expressions.length > MAX_EXPRESSIONS) throw group.unsupported("targets", `up to ${MAX_EXPRESSIONS} expressions`);
  const tests = expressions.map((expression) => nameTest(group, "targets", expression.slice(3)));
  // Names of classes, such as "Linear", begin with a capital; no module's name does. Matrices are found by their tensors,
  // so every one that is found is of a class that was packed.
  const classes = targets.filter((target) => /^[A-Z]/.test(target));
  return (module) => {
    if (names.has(module)) return 3;
    if (tests.some((matches) => matches(module))) return 2;
    const isEmbedding = /(^|[._])(embed|wte)/.test(module.slice(module.lastIndexOf(".") + 1));
    return classes.some((name) => name.includes("Embedding") === isEmbedding) ? 1 : 0;
  };
}

interface FoundMatrix {
  values: TensorEntry;
  scales: TensorEntry;
  isPacked: boolean;
}

/**
 * The group of a module: by its name, or where loaders spell names differently, the only one that fits its shapes.
 *
 * @throws FoveaError `bad-weights` for a module in none
 */
export function groupOf(groups: readonly CompressedGroup[], module: string, found: FoundMatrix): CompressedGroup {
  if (groups.length === 1) return groups[0]!;
  const best = groups.toSorted((a, b) => b.fits(module) - a.fits(module))[0]!;
  if (best.fits(module) > 0) return best;
  const fitting = groups.filter((group) => fitsShapes(group, found));
  const [first, ...others] = fitting;
  if (first && others.every(({ bits, group }) => bits === first.bits && group === first.group)) return first;
  throw badTensor(found.values.name, "is packed, but no group of the config has its name among the targets");
}

function fitsShapes({ bits, group }: CompressedGroup, { values, scales, isPacked }: FoundMatrix): boolean {
  if (!isPacked && bits !== 8) return false;
  const columns = isPacked ? (values.shape[1]! * 32) / bits : values.shape[1]!;
  const groups = scales.shape[1] ?? 1;
  return typeof group === "number" ? Math.ceil(columns / group) === groups : groups === 1;
}
