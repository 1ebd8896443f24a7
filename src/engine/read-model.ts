/** The first step of a load and of a plan: the small files that describe a model, and what they say. */
import { FoveaError } from "../errors.ts";
import { type DescriptionFiles, describeModel } from "../families/registry.ts";
import { DESCRIPTION_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelFolder } from "../weights/folder.ts";

/**
 * Reads and describes a model.
 *
 * @returns its spec, and the files as they are, for the tokenizer's settings in them
 * @throws FoveaError `unsupported-model`, also for a folder without config.json; what the folder throws
 */
export async function readModel(
  folder: ModelFolder,
  options: ReadOptions,
): Promise<{ spec: ModelSpec; files: DescriptionFiles }> {
  const entries = await Promise.all(
    DESCRIPTION_FILES.map(async (name) => [name, await folder.json(name, options)] as const),
  );
  const files: DescriptionFiles = Object.fromEntries(entries);
  if (files["config.json"] === undefined)
    throw new FoveaError("unsupported-model", `no config.json in ${folder.location}: is this the folder of a model?`);
  return { spec: await describeModel(files), files };
}
