/** The first step of a load and of a plan: the small files that describe a model, and what they say. */
import { FoveaError } from "../errors.ts";
import { type DescriptionFiles, describeModel } from "../families/registry.ts";
import { DESCRIPTION_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelFolder } from "../weights/folder.ts";

/** Weights of a LoRA or another adapter, which changes those of a model. */
export const ADAPTER_FILE = "adapter_model.safetensors";

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
  if (files["config.json"] === undefined) {
    const isAdapter = (await folder.names(options))?.includes(ADAPTER_FILE);
    const found = isAdapter
      ? `${folder.location} holds an adapter (${ADAPTER_FILE}): merge it into its base model first, and load the result`
      : `no config.json in ${folder.location}: is this the folder of a model?`;
    throw new FoveaError("unsupported-model", found);
  }
  return { spec: await describeModel(files), files };
}
