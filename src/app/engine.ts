/** The page's one way to the engine, and what the page calls its parts. Where the engine runs is decided here alone. */
import type { FoveaModel, ModelFiles, ModelInfo, WorkerOptions } from "../api.ts";
import { createFovea } from "../worker/client.ts";

export type Model = FoveaModel;

/** What a model can be loaded from. */
export type ModelSource = string | ModelFiles;

/** Id of the model whose files lie beside the page. */
export const SHIPPED_MODEL = "fovea-demo";

/** Throws as `createFovea`. */
export function loadModel(source: ModelSource, options: WorkerOptions): Promise<Model> {
  return createFovea(source, options);
}

/** Whether a model answers with classes, not with text. */
export function isClassifier({ contextLength }: ModelInfo): boolean {
  return contextLength === 0;
}
