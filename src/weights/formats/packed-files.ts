/** Safetensors files that may be packed: what is read of them, and what they come to. */
import { isJsonObject } from "../../shared/json.ts";
import type { ByteSource } from "../byte-source.ts";
import type { TensorEntry } from "../safetensors.ts";
import type { StoredTensor } from "./stored-tensor.ts";

/** The files that a packing reads. */
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
  /** Facts that a person may want to know, a sentence each. */
  readonly notes: readonly string[];
}

/** Configs of the parts of a model with pictures. */
const SUB_CONFIGS = ["text_config", "llm_config", "vision_config"];
/** Fields that describe how weights are packed. */
const PACKING_FIELDS = ["quantization", "quantization_config"];

/**
 * The parts of an untrusted config that have a field about packing: the config itself, or one inside it.
 *
 * @returns each part, and its path for messages
 */
export function packingParts(config: unknown): { fields: Readonly<Record<string, unknown>>; where: string }[] {
  // A config.json of another kind is refused where the model is described.
  if (!isJsonObject(config)) return [];
  const inside = SUB_CONFIGS.filter((name) => Object.hasOwn(config, name)).map((name) => ({
    fields: config[name],
    where: `config.json: ${name}.`,
  }));
  return [{ fields: config, where: "config.json: " }, ...inside].flatMap(({ fields, where }) =>
    isJsonObject(fields) && PACKING_FIELDS.some((name) => Object.hasOwn(fields, name)) ? [{ fields, where }] : [],
  );
}
