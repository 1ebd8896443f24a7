/** The first step of a load and of a plan: reads the small files that describe a model. */
import { FoveaError } from "../errors.ts";
import { type DescriptionFiles, describeModel } from "../families/registry.ts";
import { loadPartsFor } from "../model/late-parts.ts";
import { DESCRIPTION_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelFolder } from "../weights/folder.ts";

/** Weights of a LoRA or another adapter, which modifies a model's weights. */
export const ADAPTER_FILE = "adapter_model.safetensors";

/**
 * Reads and describes a model, and loads the parts of the engine that only such models need.
 *
 * @returns its spec, and the files' contents, for the tokenizer's settings
 * @throws FoveaError `unsupported-model`, also for a folder without config.json; `download-failed` for parts of the
 *   engine; errors of the folder
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
  const spec = await describeModel(files);
  await loadPartsFor(spec);
  return { spec, files };
}
