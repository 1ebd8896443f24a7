/**
 * Chooses the storage of each weight on the GPU: the file's own if it is packed, otherwise the caller's choice. A
 * tensor's shape and use may forbid it. Pure; fill.ts and the kernels room pack the values.
 */
import { FoveaError } from "../../errors.ts";
import {
  type GroupedType,
  type PackedName,
  type RowRun,
  SPLIT_ROWS,
  tensorByteLength,
  typeName,
} from "../../gpu/tensor.ts";
import { canPack, type WeightType } from "../../kernels/weights.ts";
import { elementCount } from "../../shared/shape.ts";
import type { TensorSpec, TensorUse } from "../../spec/tensor-spec.ts";
import {
  type Encoding,
  isPackedEncoding,
  isUnpackedEncoding,
  type PackedLayout,
} from "../../weights/formats/encoding.ts";
import type { MatchedPart, MatchedTensors } from "./match.ts";

/**
 * The storage of a whole model: packed by Fovea, or the files' own, matrix by matrix. In the latter case values that no
 * packed type holds are stored as `plain`.
 */
export type Storage = WeightType | { readonly asStored: string; readonly plain: "f32" | "f16" };

/** Formats from the largest to the smallest. */
const TYPES: readonly WeightType[] = ["f32", "f16", "q8", "q4"];

/** Weights of at most this many bytes stay f32, so that results are exact: packing them would save little. */
const SMALL_BYTES = 256 << 20;
/** The most bytes of weights that "auto" allows; less on a device with small buffers, such as a phone. */
const MOST_BYTES = 1 << 30;

/**
 * The format for "auto": f32 for small models, otherwise the widest of f16, q8, q4 that fits. Weights fit below 1 GiB
 * and below half of the device's largest buffer, because browsers do not report the GPU's memory.
 */
export function chooseWeights(
  tensors: readonly Pick<TensorSpec, "shape" | "use">[],
  { maxBufferSize }: { maxBufferSize: number },
): WeightType {
  const most = Math.min(MOST_BYTES, maxBufferSize / 2);
  return TYPES.find((type) => weightBytes(tensors, type) <= (type === "f32" ? SMALL_BYTES : most)) ?? "q4";
}

/**
 * The requested format, or the choice of "auto" on this device. Packed weights are never rounded a second time: "auto"
 * keeps them, "f32" and "f16" unpack them.
 *
 * @throws FoveaError `unsupported-model` for "q8" or "q4" where the files hold something else
 */
export function resolveWeights(
  { tensors, parts }: Pick<MatchedTensors, "tensors" | "parts">,
  wanted: WeightType | "auto",
  limits: { maxBufferSize: number },
): Storage {
  const packed = parts.filter(({ tensor, entry }) => isMatrix(tensor.use) && isPackedEncoding(entry.encoding));
  if (packed.length === 0) return wanted === "auto" ? chooseWeights(tensors, limits) : wanted;
  if (wanted === "f32" || wanted === "f16") return wanted;
  const plain = chooseWeights(tensors, limits) === "f32" ? "f32" : "f16";
  const linear = packed.filter(({ tensor }) => tensor.use === "linear");
  const held = linear.length > 0 ? linear : packed;
  const unpacked = parts.filter(({ tensor, entry }) => tensor.use === "linear" && isUnpackedEncoding(entry.encoding));
  const asStored = [...namesOf(held), ...(unpacked.length > 0 ? [plain] : [])].join(", ");
  const bits = wanted === "auto" ? undefined : wanted === "q8" ? 8 : 4;
  if (bits && held.some(({ entry }) => isPackedEncoding(entry.encoding) && entry.encoding.layout.bits !== bits))
    throw new FoveaError(
      "unsupported-model",
      `weights: "${wanted}" was asked for, but the files hold ${asStored}, and packing that again would round it twice; load it with weights "auto" to keep it as it is, or with "f16" or "f32" to unpack it`,
    );
  return { asStored, plain };
}

/** The name in `info`, such as "q4" or "q4_k, q6_k". */
export function storageName(storage: Storage): string {
  return typeof storage === "string" ? storage : storage.asStored;
}

/** The encodings of some parts, those of most values first. */
function namesOf(parts: readonly MatchedPart[]): string[] {
  const elements = new Map<string, number>();
  for (const { entry } of parts) {
    const name = entry.encoding.id.toLowerCase();
    elements.set(name, (elements.get(name) ?? 0) + elementCount(entry.shape));
  }
  return [...elements].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/** Bytes of all weights in a format. */
export function weightBytes(tensors: readonly Pick<TensorSpec, "shape" | "use">[], wanted: WeightType): number {
  return tensors.reduce(
    (sum, tensor) => sum + tensorByteLength({ shape: tensor.shape, type: weightType(tensor, wanted) }),
    0,
  );
}

/**
 * The storage of one weight. Vectors and tables stay f32: they are small, and added, not multiplied. Embeddings and
 * heads keep at least 8 bits, because their error affects every logit. A row that does not divide into groups gets the
 * next wider type.
 */
export function weightType({ use, shape }: Pick<TensorSpec, "use" | "shape">, wanted: WeightType): WeightType {
  if (wanted === "f32" || !isMatrix(use)) return "f32";
  const ladder: readonly PackedName[] =
    wanted === "q4" && use === "linear" ? ["q4", "f16"] : wanted === "f16" ? ["f16"] : ["q8", "f16"];
  return ladder.find((type) => canPack(shape.at(-1)!, type)) ?? "f32";
}

/**
 * The types of a weight's rows, one below the other. Neighbouring parts of the same encoding share a run. If a run
 * cannot end a buffer, the whole weight is f32, which holds every value.
 *
 * @param parts of this weight, in order of rows
 */
export function weightRuns(tensor: TensorSpec, parts: readonly MatchedPart[], storage: Storage): RowRun[] {
  const rows = tensor.shape[0]!;
  if (typeof storage === "string") return [{ rows, type: weightType(tensor, storage) }];
  const runs: RowRun[] = [];
  for (const [i, part] of parts.entries()) {
    const type = storedType(tensor, part, storage.plain);
    const count = (parts[i + 1]?.to ?? rows) - part.to;
    const last = runs.at(-1);
    if (last && typeName(last.type) === typeName(type)) runs[runs.length - 1] = { rows: last.rows + count, type };
    else runs.push({ rows: count, type });
  }
  const isWhole = runs.every(({ rows }, i) => rows % SPLIT_ROWS === 0 || i === runs.length - 1);
  return isWhole && runs.length > 0 ? runs : [{ rows, type: "f32" }];
}

function storedType({ use, shape }: TensorSpec, { entry, add }: MatchedPart, plain: "f32" | "f16"): RowRun["type"] {
  const { encoding } = entry;
  if (!isMatrix(use)) return "f32";
  if (isPackedEncoding(encoding)) {
    const type = groupedType(encoding.layout);
    return shape.length === 2 && canPack(shape[1]!, type) && !add ? type : "f32";
  }
  return weightType({ use, shape }, isNarrow(encoding) ? "f16" : plain);
}

/** True if f16 holds as much as the file has. */
function isNarrow(encoding: Encoding): boolean {
  return !isUnpackedEncoding(encoding) && !isPackedEncoding(encoding) && encoding.dtype !== "F32";
}

/** The layout of a format in the terms of kernels. */
export function groupedType({ bits, group, scales, bias, levels, ...layout }: PackedLayout): GroupedType {
  const origin = bias === "free" ? (layout.origin ?? -(2 ** (bits - 1))) : 0;
  const integers = { bits, group, ...(levels && { levels }) };
  if (scales === "f32") return { ...integers, scales, bias: bias === "none" ? "none" : "free", origin: 0 };
  return { ...integers, scales, bias, origin };
}

/** The type for rows that did not fit: f32 scales instead of f16 ones, else plain f32. */
export function widerType(type: RowRun["type"]): RowRun["type"] {
  if (typeof type !== "object" || type.scales !== "f16") return "f32";
  return { ...type, scales: "f32", bias: type.bias === "none" ? "none" : "free", origin: 0 };
}

/** True if a use reads rows of a matrix, which may be packed. */
function isMatrix(use: TensorUse): boolean {
  return use !== "vector" && use !== "table";
}
