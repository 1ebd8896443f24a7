/**
 * MLX's affine packing (mlx.core.quantize): integers q of 2 to 8 bits, the lowest bits first; value = q * scale + bias, with
 * a scale and a bias for each group. MLX computes the product in the scales' type; here it is exact.
 */
import { FoveaError } from "../../../errors.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { TensorEntry } from "../../safetensors.ts";
import type { PackedEncoding, StoredRows } from "../encoding.ts";
import type { PackedRows } from "../packed-rows.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import type { PackingConfig } from "./config.ts";
import { flipSigns, readIntegers, readNumbers, spreadGroups, writeNibbles } from "./integers.ts";
import { badTensor, checkEntry, FLOAT_DTYPES, needEntry, packedGroup, planesOf } from "./packed-tensor.ts";

interface Affine {
  bits: number;
  group: number;
}

const BITS = [2, 3, 4, 5, 6, 8];
/** Misfits that a message shows. */
const SHOWN_MISFITS = 3;

const GROUPS = [16, 32, 64, 128];

/**
 * Finds the packed matrices of a file: a module with scales is packed. The config has the bits and the group of all of
 * them, and those of single modules by their names.
 */
export function findMlx(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>): StoredTensor[] {
  const common = readAffine(config, undefined);
  const tensors: StoredTensor[] = [];
  const misfits: string[] = [];
  for (const name of entries.keys()) {
    if (!name.endsWith(".scales")) continue;
    const module = name.slice(0, -".scales".length);
    const own = config.object(module);
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

function readAffine(config: PackingConfig, common: Affine | undefined): Affine {
  const mode = config.value("mode") ?? "affine";
  if (mode !== "affine") throw config.unsupported("mode", "affine");
  return {
    bits: config.oneOf("bits", common?.bits ?? 4, BITS),
    group: config.oneOf("group_size", common?.group ?? 64, GROUPS),
  };
}

/** What does not fit between the words and the scales of a module, in a sentence; undefined where they fit. */
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
  const packed = bits <= 4 ? 4 : 8;
  // Stored integers count from 0. Nibbles stand for -8 to 7 and bytes of 8 bits for -128 to 127; fewer bits fit as they are.
  const zero = packed === 4 ? 8 : bits === 8 ? 128 : 0;
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
      for (let i = 0; i < scales.length; i++) biases[i]! += zero * scales[i]!;
      const values = planes.values!;
      const integers =
        bits === 4
          ? values.slice()
          : packed === 4
            ? writeNibbles(readIntegers(values, bits, rows * columns))
            : bits === 8
              ? flipSigns(values.slice())
              : readIntegers(values, bits, rows * columns);
      return {
        bits: packed,
        group: to,
        integers,
        scales: spreadGroups(scales, columns, group, to),
        biases: spreadGroups(biases, columns, group, to),
      };
    },
  };
}
