/** Chooses the storage of each tensor in a small copy, and the config that describes it. Pure. */
import { FoveaError } from "../../errors.ts";
import type { MatchedTensors } from "../../model/load/match.ts";
import { isJsonObject } from "../../shared/json.ts";
import { elementCount } from "../../shared/shape.ts";
import type { ModelSpec } from "../../spec/model-spec.ts";
import type { TensorUse } from "../../spec/tensor-spec.ts";
import { isPackedEncoding, isUnpackedEncoding } from "../../weights/formats/encoding.ts";
import { ROUND_GROUP } from "../../weights/formats/packed/round-groups.ts";
import type { StoredTensor } from "../../weights/formats/stored-tensor.ts";

export interface PackOptions {
  /** "f16" packs nothing, and unpacks packed tensors of the source. */
  weights: "q4" | "q8" | "f16";
  /** Also packs the embeddings, which Fovea reads and other tools do not. */
  compact?: boolean;
}

/** Parts of a model in the user's terms, for the summary. */
export type ModelPart = "layers" | "head" | "embeddings" | "pictures" | "norms and biases" | "other tensors";

/** A tensor to write. */
export interface PackedItem {
  readonly tensor: StoredTensor;
  readonly part: ModelPart;
  /** Bits of its integers, or its dtype. */
  readonly keep: 4 | 8 | "F32" | "F16" | "BF16" | "copy";
}

export interface PackPlan {
  readonly items: readonly PackedItem[];
  /** `quantization_config` of the copy's config.json; undefined where nothing is packed. */
  readonly quantization: Record<string, unknown> | undefined;
}

/**
 * Plans a copy. Matrices of the decoder's layers get the requested bits, and an untied head 8 bits, as with
 * `LoadOptions.weights`. All other matrices keep 16 bits, and vectors f32.
 *
 * @throws FoveaError `unsupported-model` for a model without a decoder
 */
export function planPack(
  spec: Pick<ModelSpec, "decoder" | "family" | "tensors">,
  { parts }: Pick<MatchedTensors, "parts">,
  tensors: ReadonlyMap<string, StoredTensor>,
  options: PackOptions,
): PackPlan {
  if (!spec.decoder)
    throw new FoveaError("unsupported-model", `the ${spec.family} has no language decoder; only decoders are packed`);
  const uses = new Map(
    parts.map(({ tensor, entry }) => [entry.whole ?? entry, { name: tensor.name, use: tensor.use }]),
  );
  // Copies of a tied head that a file stores a second time.
  const doubles = new Set(spec.tensors.flatMap(({ parts }) => parts.flatMap(({ fallback = [] }) => fallback)));
  const items: PackedItem[] = [];
  for (const tensor of tensors.values()) {
    const use = uses.get(tensor);
    if (use) items.push(itemOf(tensor, use.name, use.use, options));
    else if (!doubles.has(tensor.name))
      items.push({ tensor, part: "other tensors", keep: plainKeep(tensor, "linear") });
  }
  if (options.weights === "f16") return { items, quantization: undefined };
  if (!items.some(({ keep }) => isPackedKeep(keep)))
    throw new FoveaError(
      "unsupported-model",
      `no matrix of the ${spec.family}'s layers has rows that divide into groups of ${ROUND_GROUP}; nothing can be packed`,
    );
  return { items, quantization: quantizationOf(items, options) };
}

/** True for a storage of 4 or 8 bits. */
export function isPackedKeep(keep: PackedItem["keep"]): keep is 4 | 8 {
  return keep === 4 || keep === 8;
}

function itemOf(tensor: StoredTensor, name: string, use: TensorUse, { weights, compact }: PackOptions): PackedItem {
  const bits = weights === "q4" ? 4 : 8;
  const divides =
    weights !== "f16" && tensor.shape.length === 2 && tensor.shape[1]! % ROUND_GROUP === 0 && tensor.shape[1]! > 0;
  if (use === "embedding") return { tensor, part: "embeddings", keep: compact && divides ? 8 : plainKeep(tensor, use) };
  if (use === "head") return { tensor, part: "head", keep: divides ? 8 : plainKeep(tensor, use) };
  const isLayer = name.startsWith("decoder.layers.");
  if (use === "linear" && isLayer) return { tensor, part: "layers", keep: divides ? bits : plainKeep(tensor, use) };
  const part = name.startsWith("decoder.") ? "norms and biases" : "pictures";
  return { tensor, part, keep: plainKeep(tensor, use) };
}

/** 16-bit numbers stay as they are. F32 matrices are rounded to F16; vectors are small and stay F32. */
function plainKeep({ encoding, shape, add, rowOrder }: StoredTensor, use: TensorUse): PackedItem["keep"] {
  const isMatrix = shape.length > 1 && elementCount(shape.slice(1)) > 1 && use !== "vector";
  if (isPackedEncoding(encoding) || isUnpackedEncoding(encoding)) return isMatrix ? "F16" : "F32";
  if (encoding.dtype === "F32") return isMatrix ? "F16" : "F32";
  if (encoding.dtype !== "F16" && encoding.dtype !== "BF16") return "copy";
  return add !== undefined || rowOrder ? encoding.dtype : "copy";
}

/** Name of the module that holds a weight. */
export function moduleOf(name: string): string {
  return name.replace(/\.weight$/, "");
}

function quantizationOf(items: readonly PackedItem[], { weights }: PackOptions): Record<string, unknown> {
  const bits = weights === "q4" ? 4 : 8;
  const packed = items.filter(({ keep }) => isPackedKeep(keep));
  const others = packed.filter(({ keep, part }) => keep !== bits || part === "embeddings");
  const groups: Record<string, unknown> = { group_0: group(["Linear"], bits) };
  if (others.length > 0)
    groups.group_1 = group(
      others.map(({ tensor }) => `re:.*${escaped(moduleOf(tensor.name).split(".").at(-1)!)}$`),
      8,
    );
  return {
    quant_method: "compressed-tensors",
    format: "pack-quantized",
    quantization_status: "compressed",
    config_groups: groups,
    ignore: ignored(items),
    kv_cache_scheme: null,
    global_compression_ratio: null,
  };
}

function group(targets: string[], bits: 4 | 8): Record<string, unknown> {
  return {
    targets,
    format: "pack-quantized",
    input_activations: null,
    output_activations: null,
    weights: {
      num_bits: bits,
      type: "int",
      symmetric: true,
      strategy: "group",
      group_size: ROUND_GROUP,
      actorder: null,
      block_structure: null,
      dynamic: false,
      observer: "minmax",
      observer_kwargs: {},
    },
  };
}

/**
 * Modules that are not packed. Files and classes spell the path to a tower differently. A tower is therefore named by
 * the one part of its path that no packed module has. A single matrix of the decoder has its own name.
 */
function ignored(items: readonly PackedItem[]): string[] {
  const isMatrix = ({ tensor }: PackedItem) => tensor.name.endsWith(".weight") && tensor.shape.length > 1;
  const pathOf = ({ tensor }: PackedItem) => moduleOf(tensor.name).split(".");
  const packed = items.filter(({ keep }) => isPackedKeep(keep));
  const packedParts = new Set(packed.flatMap(pathOf));
  const names = items.flatMap((item) => {
    if (isPackedKeep(item.keep) || !isMatrix(item) || item.part === "embeddings") return [];
    const own = pathOf(item).find((part) => !packedParts.has(part) && !/^\d+$/.test(part) && part !== "model");
    return own === undefined ? [moduleOf(item.tensor.name)] : [`re:.*${escaped(own)}.*`];
  });
  // A tied head has no tensor, but other tools have a module for it.
  const hasHead = items.some(({ part }) => part === "head");
  return [...new Set([...(hasHead ? [] : ["lm_head", "re:.*lm_head"]), ...names])];
}

/** Escapes a text for a regular expression. */
function escaped(text: string): string {
  return text.replace(/[^\w]/g, "\\$&");
}

/** The config.json of the copy. */
export function packedConfig(config: unknown, { quantization }: Pick<PackPlan, "quantization">): string {
  const fields: Record<string, unknown> = isJsonObject(config) ? { ...config } : {};
  delete fields.quantization;
  delete fields.quantization_config;
  // Scales are f16; readers may choose a wider type for activations.
  const dtype = Object.hasOwn(fields, "dtype") ? "dtype" : "torch_dtype";
  return `${JSON.stringify({ ...fields, [dtype]: "float16", ...(quantization && { quantization_config: quantization }) }, undefined, 2)}\n`;
}
