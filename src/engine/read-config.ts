/** The config.json of a model's folder: what a load and a plan begin with. */
import { FoveaError } from "../errors.ts";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import type { ReadOptions } from "../weights/byte-source.ts";
import type { ModelFolder } from "../weights/folder.ts";

/**
 * Reads and checks it.
 *
 * @returns the model's shape, and the file as it is, for those who look for more in it
 * @throws FoveaError `unsupported-model` also for a folder without one; what the folder throws
 */
export async function readConfig(
  folder: ModelFolder,
  options: ReadOptions,
): Promise<{ config: ModelConfig; json: object }> {
  const json = await folder.json("config.json", options);
  if (json === undefined)
    throw new FoveaError("unsupported-model", `no config.json in ${folder.location}: is this the folder of a model?`);
  return { config: parseConfig(json), json: json as object };
}
