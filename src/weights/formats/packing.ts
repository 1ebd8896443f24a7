/**
 * Packed weights in safetensors files: config.json says how a matrix is spread over several tensors. Every way to pack is
 * a value of the list here.
 */
import { FoveaError } from "../../errors.ts";
import { isJsonObject, shown } from "../../shared/json.ts";
import type { ByteSource, ReadOptions } from "../byte-source.ts";
import type { TensorEntry } from "../safetensors.ts";
import { plainTensor, type StoredTensor } from "./stored-tensor.ts";

/** What a packing reads. */
export interface PackedFiles {
  /** Tensors of all files, by their names there. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By name, for the few values that must be known before anything is decoded. */
  readonly files: ReadonlyMap<string, ByteSource>;
}

export interface Packing {
  readonly name: string;
  /** Whether a model with this config.json is packed so. */
  matches(config: PackedFiles["config"]): boolean;
  /**
   * The tensors as their family knows them: packed ones by the name of the weight that they stand for.
   *
   * @throws FoveaError `unsupported-model` for a variant that is not read, `bad-weights` for tensors that contradict
   * each other or the config
   */
  tensors(files: PackedFiles, options: ReadOptions): Promise<Map<string, StoredTensor>>;
}

/** The first that matches reads the model. */
const PACKINGS: readonly Packing[] = [];

/** Fields of a config that say that its weights are packed. */
const FIELDS = ["quantization_config", "quantization"];

/** The tensors of a checkpoint. Throws as `Packing.tensors`, and `unsupported-model` for a packing that is not known. */
export async function storedTensors(files: PackedFiles, options: ReadOptions): Promise<Map<string, StoredTensor>> {
  const { entries, config } = files;
  const packing = PACKINGS.find((candidate) => candidate.matches(config));
  if (packing) return packing.tensors(files, options);
  refusePacked(config, "config.json: ");
  for (const level of ["text_config", "vision_config"]) {
    const fields = config[level];
    if (isJsonObject(fields)) refusePacked(fields, `config.json: ${level}.`);
  }
  return new Map([...entries].map(([name, entry]) => [name, plainTensor(entry)]));
}

function refusePacked(config: PackedFiles["config"], where: string): void {
  const field = FIELDS.find((name) => config[name] !== undefined && config[name] !== null);
  if (field === undefined) return;
  const value = config[field];
  const method = isJsonObject(value) ? value.quant_method : undefined;
  const known = PACKINGS.map(({ name }) => name).join(", ");
  throw new FoveaError(
    "unsupported-model",
    `${where}${field} is ${isJsonObject(value) ? "an object" : shown(value)}${method === undefined ? "" : ` with the quant_method ${shown(method)}`}; ` +
      `${known === "" ? "" : `packed weights that are read: ${known}; otherwise `}load the unquantised checkpoint, Fovea quantises it by itself`,
  );
}
