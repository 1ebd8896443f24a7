/** Reads the factors of rotary frequencies, which a file stores as tensors of a few hundred bytes. */
import { quoted } from "../../../shared/json.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { ReadOptions } from "../../byte-source.ts";
import { badGguf } from "./header-reader.ts";
import type { RopeFactors } from "./rope.ts";
import type { GgufFile } from "./shards.ts";

/** A head has at most 256 channels, and two of them turn together. */
const MAX_FACTORS = 1024;

/** @throws FoveaError `bad-weights` for a tensor that is no list of factors; what reading throws */
export async function readRopeFactors(file: GgufFile, options: ReadOptions): Promise<RopeFactors> {
  const read = (name: string) => readFactors(file, name, options);
  return {
    all: await read("rope_freqs.weight"),
    short: await read("rope_factors_short.weight"),
    long: await read("rope_factors_long.weight"),
  };
}

async function readFactors({ tensors, sources }: GgufFile, name: string, options: ReadOptions) {
  const tensor = tensors.get(name);
  if (!tensor) return undefined;
  const { file, start, end, shape, type } = tensor;
  if (type.name !== "F32" || shape.length !== 1 || shape[0]! > MAX_FACTORS)
    throw badGguf(file, `tensor ${quoted(name)} is ${type.name} ${shapeText(shape)}, a short list of F32 is needed`);
  const bytes = await sources.find((source) => source.name === file)!.read(start, end, options);
  // A copy, because the bytes may lie at any offset.
  return [...new Float32Array(bytes.slice().buffer)];
}
