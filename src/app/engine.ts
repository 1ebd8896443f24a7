/** The page's one way to the engine, and what the page calls its parts. Where the engine runs is decided here alone. */
import type { FoveaModel, ModelFiles, WorkerOptions } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { createFovea } from "../worker/client.ts";

export type { GenerationEvent, GenerationStats, ImageFeatures, LoadProgress, ModelFiles } from "../api.ts";
export type Model = FoveaModel;

/** Throws as `createFovea`. */
export function loadModel(source: string | ModelFiles, options: WorkerOptions): Promise<Model> {
  return createFovea(source, options);
}

/** An error as a sentence for the page; undefined for what the user asked for. */
export function errorText(error: unknown): string | undefined {
  if (error instanceof FoveaError && (error.code === "aborted" || error.code === "disposed")) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  return message.charAt(0).toUpperCase() + message.slice(1);
}
