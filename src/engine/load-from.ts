/** Opens the folder of a source: known models and their defaults, storage, and progress. */
import type { LoadOptions, LoadProgress, ModelFiles } from "../api.ts";
import type { ModelAbout } from "../shared/model-about.ts";
import { originalOf } from "../shared/small-copy.ts";
import type { ModelFolder } from "../weights/folder.ts";
import { withModel } from "../weights/open-model.ts";
import { knownModel } from "../weights/published-model.ts";
import { warnOfAdapter, warnOfUnreadFiles } from "./warnings.ts";

/** Callbacks and context of a load, besides its options. */
export interface LoadHooks {
  /** Called with each stage as it begins. */
  onStage?: (stage: LoadProgress["stage"]) => void;
  /** Defaults from the manifest's entry, unchecked. */
  requestDefaults?: unknown;
  /** From the manifest's entry. */
  about?: ModelAbout | undefined;
  /** Called with a sentence about something that was ignored. */
  warn?: (message: string) => void;
  /** All warnings so far; the list grows. */
  warnings?: readonly string[];
}

/**
 * Opens a model and calls `load` with its folder and options; twice if the first download was damaged. `load` reports
 * its stages; this function counts the bytes over all files. Throws as `load` and `withModel`.
 */
export async function loadFrom<T>(
  source: string | URL | ModelFiles,
  given: LoadOptions,
  load: (folder: ModelFolder, options: LoadOptions, hooks: LoadHooks) => Promise<T>,
): Promise<T> {
  const known = knownModel(originalOf(source) ?? source);
  const options = { ...known?.defaults, ...given };
  const { cache, hubToken, hubUrl, modelsUrl, variant, signal } = options;
  const progress: LoadProgress = { stage: "config", loadedBytes: 0, totalBytes: 0 };
  const tell = (change: Partial<LoadProgress>) => options.onProgress?.({ ...Object.assign(progress, change) });
  tell({});
  const onStage = (stage: LoadProgress["stage"]) => {
    if (stage !== progress.stage) tell({ stage });
  };
  const warnings: string[] = [];
  const warn = (message: string) => {
    // A second attempt finds the same problems again.
    if (warnings.includes(message)) return;
    warnings.push(message);
    options.onProgress?.({ ...progress, type: "warning", message });
  };
  const isGiven = typeof source === "object" && !(source instanceof URL);
  if (isGiven) warnOfUnreadFiles(Object.keys(source), warn, variant);
  const opening = { cache, hubToken, hubUrl, modelsUrl, variant, signal, onBytes: tell, onWarning: warn };
  return withModel(source, opening, async (folder) => {
    // A published folder has many files that are not needed; an adapter changes the answers.
    if (!isGiven) warnOfAdapter((await folder.names({ signal })) ?? [], warn);
    return load(folder, options, {
      onStage,
      requestDefaults: known?.requestDefaults,
      about: known?.about,
      warn,
      warnings,
    });
  });
}
