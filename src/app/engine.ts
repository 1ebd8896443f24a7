/** The page's one way to the engine, and what the page calls its parts. Where the engine runs is decided here alone. */
import { Fovea, FoveaError, type LoadOptions, type ModelFiles } from "../index.ts";

export type { GenerationEvent, GenerationStats, ImageFeatures, LoadProgress, ModelFiles } from "../index.ts";
export type Model = Fovea;

/** Throws as `Fovea.load`. */
export function loadModel(source: string | ModelFiles, options: LoadOptions): Promise<Model> {
  return Fovea.load(source, options);
}

/** An error as a sentence for the page; undefined for what the user asked for. */
export function errorText(error: unknown): string | undefined {
  if (error instanceof FoveaError && (error.code === "aborted" || error.code === "disposed")) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  return message.charAt(0).toUpperCase() + message.slice(1);
}
