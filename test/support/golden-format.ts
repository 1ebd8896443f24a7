/** One case of golden/formats: a tiny packed checkpoint, its prompts, and the values of its exact numbers in float64. */
import type { ModelFiles } from "../../src/api.ts";
import { COMPANION_FILES } from "../../src/shared/model-files.ts";
import { readSafetensors, type Weights } from "../reference/model/weights.ts";
import type { FamilyPrompt } from "./golden-family.ts";
import { sharedBytes, sharedBytesIfAny, sharedJson } from "./shared.ts";

export interface FormatCase {
  family: string;
  format: string;
  /** Weight files below model/. */
  files: string[];
  prompts: FamilyPrompt[];
}

export interface GoldenFormat extends FormatCase {
  expected: Weights;
}

/** Loads a case of golden/formats with its expected tensors. */
export async function loadFormat(folder: string): Promise<GoldenFormat> {
  const root = `golden/formats/${folder}`;
  const described = await sharedJson<FormatCase>(`${root}/case.json`);
  return { ...described, expected: readSafetensors(await sharedBytes(`${root}/expected.safetensors`)) };
}

/** The files of a case, as a user picks them. */
export async function filesOf(folder: string, { files }: FormatCase): Promise<ModelFiles> {
  const names = [...COMPANION_FILES, ...files];
  const found = await Promise.all(
    names.map(async (name) => [name, await sharedBytesIfAny(`golden/formats/${folder}/model/${name}`)] as const),
  );
  return Object.fromEntries(found.filter((file): file is [string, Uint8Array<ArrayBuffer>] => file[1] !== undefined));
}
