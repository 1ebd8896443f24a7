/** One case of golden/families with pairs: pictures, texts, and how transformers compares them; the README has the fields. */
import { readSafetensors, type Weights } from "../reference/model/weights.ts";
import { sharedBytes, sharedJson } from "./shared.ts";

export interface Pairs {
  pictures: string[];
  texts: string[];
  template: string;
  labels: string[];
  ids: number[][];
  /** Of texts that are not lower-cased. */
  idsNotLowered?: number[][];
  pooledRow: number[];
  textTokens: number[];
}

export interface GoldenPairs extends Pairs {
  expected: Weights;
}

/** Folder -> family, from the folders' case.json; see vite.config.ts. */
export const PAIR_FOLDERS = Object.keys(JSON.parse(import.meta.env.VITE_PAIR_FOLDERS) as Record<string, string>);

/** Loads the pairs of a case with their expected tensors. */
export async function loadPairs(folder: string): Promise<GoldenPairs> {
  const root = `golden/families/${folder}`;
  const { pairs } = await sharedJson<{ pairs: Pairs }>(`${root}/case.json`);
  return { ...pairs, expected: readSafetensors(await sharedBytes(`${root}/expected.safetensors`)) };
}

/** Row i of a matrix. */
export function rowOf({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }, i: number): number[] {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  return Array.from(data).slice(i * width, (i + 1) * width);
}
