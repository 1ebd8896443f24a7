/**
 * Which tensors of a file fill which tensor on the GPU: names of every layout, shapes, and where fused parts go.
 * Pure: it looks at headers, never at values, and plans nothing about reading or precision.
 */
import { FoveaError } from "../errors.ts";
import type { TensorEntry } from "../weights/safetensors.ts";
import type { ModelConfig } from "./config.ts";

/** One tensor of a file that fills some rows of a slot. */
export interface WeightPart {
  /** Names that it may have in a file, one per layout. */
  names: string[];
  /** As in the file; matchTensors also takes a shape that only adds or drops dimensions of 1 in front. */
  shape: readonly number[];
  /** First row of the slot that it fills. */
  rowOffset: number;
}

/** One tensor on the GPU. */
export interface WeightSlot {
  /** Canonical, e.g. "vision.blocks.3.qkv.weight". */
  name: string;
  /** [rows, cols] or [cols] */
  shape: readonly number[];
  /** In order of rows; together they fill the slot exactly. */
  parts: WeightPart[];
}

/** A tensor of a file and the place where it goes. */
export interface MatchedPart {
  slot: WeightSlot;
  entry: TensorEntry;
  rowOffset: number;
}

/** Every tensor that the engine wants for this model, in the order of execution. */
export function weightSlots(config: ModelConfig): WeightSlot[] {
  throw new FoveaError("unsupported-model", `names of ${config.modelType} are being written`);
}

/**
 * Finds the tensors of all slots.
 *
 * @param tensors header entries of all files of the checkpoint, by name
 * @returns parts in the order of `weightSlots`
 * @throws FoveaError `bad-weights` naming a missing, unknown, doubled, misshaped tensor or one of a type that is not read
 */
export function matchTensors(config: ModelConfig, tensors: ReadonlyMap<string, TensorEntry>): MatchedPart[] {
  throw new FoveaError("bad-weights", `names of ${config.modelType} are being written (${tensors.size} tensors)`);
}
