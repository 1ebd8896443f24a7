/** The weight formats, and which files make a model: every room that lists, plans, stores or reads files asks here. */
import { COMPANION_FILES } from "../../shared/model-files.ts";
import { openCheckpoint } from "../checkpoint.ts";
import { isPlainFileName, type ModelFolder } from "../folder.ts";
import type { OpenedModel, OpenOptions, WeightFormat } from "./format.ts";
import { ggufFormat } from "./gguf/gguf-format.ts";
import { safetensorsFormat } from "./safetensors-format.ts";

/** The first that a folder has is read. */
const FORMATS: readonly WeightFormat[] = [safetensorsFormat, ggufFormat];

/** True if a model uses a file of this name. Weights are never read from formats that can contain code. */
export function isModelFile(name: string): boolean {
  if (!isPlainFileName(name)) return false;
  return COMPANION_FILES.includes(name) || FORMATS.some((format) => format.isWeightFile(name));
}

/** The files that loading reads, of all that a folder has: companions, and the weights of one format. */
export function filesToLoad(names: readonly string[], choice?: string): string[] {
  const weights = FORMATS.map((format) => format.pick(names, choice)).find((picked) => picked !== undefined) ?? [];
  return names.filter((name) => COMPANION_FILES.includes(name) || weights.includes(name));
}

/** Fields of a hub's description that `isReadable` looks at. */
export const HUB_FIELDS: readonly string[] = FORMATS.flatMap(({ hubField }) => hubField?.name ?? []);

/** True if a hub describes a repository, by `HUB_FIELDS`, whose weights may be read without a config.json. */
export async function isReadable(fields: Readonly<Record<string, unknown>>): Promise<boolean> {
  for (const { hubField } of FORMATS) if (hubField && (await hubField.isReadable(fields[hubField.name]))) return true;
  return false;
}

/**
 * Opens the weights of a folder. A folder without any is opened too: its checkpoint fails, after its config.json.
 *
 * @throws FoveaError as `WeightFormat.open`
 */
export async function openModel(folder: ModelFolder, options: OpenOptions): Promise<OpenedModel> {
  for (const format of FORMATS) {
    const opened = await format.open(folder, options);
    if (opened) return opened;
  }
  return { folder, notes: [], checkpoint: (config, { signal }) => openCheckpoint(folder, { signal, config }) };
}
