/**
 * MLX's affine packing (mlx.core.quantize): integers q of 2 to 8 bits, the lowest bits first. Each group has a scale
 * and a bias: value = q * scale + bias. MLX computes the product in the scales' type; here it is exact.
 */
import { FoveaError } from "../../../errors.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { TensorEntry } from "../../safetensors.ts";
import type { PackedEncoding, StoredRows } from "../encoding.ts";
import type { GroupSize, PackedBits, PackedRows } from "../packed-rows.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import type { PackingConfig } from "./config.ts";
import { flipSigns, readIntegers, readNumbers, splitIntegers, spreadGroups, writeNibbles } from "./integers.ts";
import { moduleKey } from "./module-names.ts";
import { badTensor, checkEntry, FLOAT_DTYPES, needEntry, packedGroup, planesOf } from "./packed-tensor.ts";

interface Affine {
  bits: number;
  group: number;
}

const BITS = [2, 3, 4, 5, 6, 8];
const GROUPS = [16, 32, 64, 128];
/** Misfits that a message shows. */
const SHOWN_MISFITS = 3;

/**
 * Finds the packed matrices of a file: a module with scales is packed. The config has the bits and the group of all of
 * them, and those of single modules by their names.
 */
export function findMlx(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>): StoredTensor[] {
  const common = readAffine(config, undefined);
  const settings = ownSettings(config);
  const tensors: StoredTensor[] = [];
  const misfits: string[] = [];
  for (const name of entries.keys()) {
    if (!name.endsWith(".scales")) continue;
    const module = name.slice(0, -".scales".length);
    const own = config.object(module) ?? settings.get(moduleKey(module));
    const sizes = own ? readAffine(own, common) : common;
    const misfit = misfitOf(module, sizes, entries);
    if (misfit) misfits.push(misfit);
    else tensors.push(describe(module, sizes, entries));
  }
  // The config describes all modules at once, so one wrong number misfits many.
  if (misfits.length > 0) {
    const more = misfits.length > SHOWN_MISFITS ? `; and ${misfits.length - SHOWN_MISFITS} more tensors` : "";
    throw new FoveaError(
      "bad-weights",
      `${config.where} does not fit the tensors: ${misfits.slice(0, SHOWN_MISFITS).join("; ")}${more}`,
    );
  }
  for (const { name, dtype } of entries.values())
    if (dtype === "U32" && name.endsWith(".weight")) needEntry(entries, name.replace(/weight$/, "scales"));
  return tensors;
}

/**
 * Module -> its own settings. Converters rename the tensors of a wrapped language model and leave these keys as they
 * were: "model.language_model.layers.0" in the config may be "language_model.model.layers.0" in the file.
 */
function ownSettings(config: PackingConfig): Map<string, PackingConfig> {
  const settings = new Map<string, PackingConfig>();
  for (const [name] of config.entries()) {
    const own = config.object(name);
    if (own) settings.set(moduleKey(name), own);
  }
  return settings;
}

function readAffine(config: PackingConfig, common: Affine | undefined): Affine {
  const mode = config.value("mode") ?? "affine";
  if (mode !== "affine") throw config.unsupported("mode", "affine");
  return {
    bits: config.oneOf("bits", common?.bits ?? 4, BITS),
    group: config.oneOf("group_size", common?.group ?? 64, GROUPS),
  };
}

/** The misfit of a module's words and scales, in a sentence; undefined if they fit. */
function misfitOf(
  module: string,
  { bits, group }: Affine,
  entries: ReadonlyMap<string, TensorEntry>,
): string | undefined {
  const values = needEntry(entries, `${module}.weight`);
  const scales = needEntry(entries, `${module}.scales`);
  if (values.shape.length !== 2 || values.dtype !== "U32")
    throw badTensor(values.name, `is ${values.dtype} ${shapeText(values.shape)}; U32 of two dimensions is supported`);
  const [rows, words] = values.shape as [number, number];
  const groups = scales.shape.at(-1) ?? 0;
  if (words * 32 === groups * group * bits) return undefined;
  const needed = (words * 32) / bits / group;
  return (
    `${values.name} has ${words} words a row, and ${scales.name} is ${shapeText(scales.shape)}: ${bits} bits in groups of ${group} ` +
    `need ${(groups * group * bits) / 32} words` +
    (Number.isInteger(needed) ? `, or scales of ${shapeText([rows, needed])}` : "")
  );
}

function describe(module: string, { bits, group }: Affine, entries: ReadonlyMap<string, TensorEntry>): StoredTensor {
  const [values, scales, biases] = ["weight", "scales", "biases"].map((part) =>
    needEntry(entries, `${module}.${part}`),
  ) as [TensorEntry, TensorEntry, TensorEntry];
  const [rows, words] = values.shape as [number, number];
  const columns = (words * 32) / bits;
  for (const entry of [scales, biases])
    checkEntry(entry, FLOAT_DTYPES, [rows, columns / group], `for groups of ${group} in rows of ${columns}`);
  const { name } = values;
  return {
    name,
    shape: [rows, columns],
    encoding: affine(name, columns, { bits, group }, [scales, biases]),
    planes: planesOf({ values, scales, biases }, rows, ["values", "scales", "biases"]),
  };
}

function affine(
  name: string,
  columns: number,
  { bits, group }: Affine,
  [scaleEntry, biasEntry]: [TensorEntry, TensorEntry],
): PackedEncoding {
  const to = packedGroup(name, group, columns);
  const packed = packedBits(bits, to);
  // Stored integers count from 0, which stands for the least one; fewer bits in bytes fit as they are.
  const zero = packed === 8 && bits < 8 ? 0 : 2 ** (packed - 1);
  return {
    id: `affine int${bits} g${group}`,
    layout: {
      bits: packed,
      group: to,
      scales: [scaleEntry, biasEntry].some(({ dtype }) => dtype === "F32") ? "f32" : "f16",
      bias: "free",
      origin: -zero,
    },
    decode({ count: rows, planes }: StoredRows): PackedRows {
      const scales = readNumbers(planes.scales!, scaleEntry);
      const biases = readNumbers(planes.biases!, biasEntry);
      const values = planes.values!;
      return {
        bits: packed,
        group: to,
        origin: -zero,
        ...integersOf(values, bits, packed, rows * columns),
        scales: spreadGroups(scales, columns, group, to),
        biases: spreadGroups(biases, columns, group, to),
      };
    },
  };
}

/** Bits on the GPU. Kernels read 5 bits of 32 neighbours at a time, under one scale. */
function packedBits(bits: number, group: GroupSize): PackedBits {
  if (bits <= 4) return 4;
  return bits === 6 || (bits === 5 && group >= 32) ? bits : 8;
}

/**
 * The integers in the arrangement of kernels: as they are, in nibbles, in nibbles and a plane above them, or in bytes.
 */
function integersOf(
  values: Uint8Array,
  bits: number,
  packed: PackedBits,
  count: number,
): Pick<PackedRows, "integers" | "high"> {
  if (bits === 4) return { integers: values.slice() };
  if (bits === 8) return { integers: flipSigns(values.slice()) };
  const integers = readIntegers(values, bits, count);
  if (packed === 8) return { integers };
  return packed === 4 ? { integers: writeNibbles(integers) } : splitIntegers(integers, packed);
}
