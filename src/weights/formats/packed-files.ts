/** Safetensors files that may be packed: what is read of them, and what they come to. */
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

/** Parts of a config that may describe how weights are packed, beside the config itself. */
export const HALVES = ["text_config", "llm_config", "vision_config"];
