/** The page's one way to the engine, and what the page calls its parts. Where the engine runs is decided here alone. */
import type { FoveaModel, ModelFiles, ModelInfo, ModelPlan, StoredModel, WorkerOptions } from "../api.ts";
import { createFovea } from "../worker/client.ts";

export type Model = FoveaModel;

/** What a model can be loaded from. */
export type ModelSource = string | ModelFiles;

/** How a model may be got at. A token is a secret: it is handed on, and kept in no state that is shown or saved. */
export type ModelAccess = Pick<WorkerOptions, "hubToken" | "cache">;

/** Id of the model whose files lie beside the page. */
export const SHIPPED_MODEL = "fovea-demo";

/** Throws as `createFovea`. */
export function loadModel(source: ModelSource, options: WorkerOptions): Promise<Model> {
  return createFovea(source, { modelsUrl: modelsUrl(), compile: "background", ...options });
}

/** Folder of the shipped models: that of the page, wherever it is served. */
function modelsUrl(): string {
  return new URL("./", document.baseURI).href;
}

/** Whether a model answers with classes, not with text. */
export function isClassifier({ contextLength }: ModelInfo): boolean {
  return contextLength === 0;
}

// What follows is asked for now and then: it comes in a script of its own, with only what is named here.

/** What loading a model will take. Throws as the library's `planModel`. */
export async function planModel(source: ModelSource, access: ModelAccess, signal: AbortSignal): Promise<ModelPlan> {
  const { planModel } = await import("../index.ts");
  return planModel(source, { modelsUrl: modelsUrl(), signal, ...access });
}

/** The models that are kept on this machine. */
export async function storedModels(): Promise<StoredModel[]> {
  const { storedModels } = await import("../index.ts");
  return storedModels();
}

/** Removes one of them. Returns whether there was anything to remove. */
export async function deleteStoredModel(source: string): Promise<boolean> {
  const { deleteStoredModel } = await import("../index.ts");
  return deleteStoredModel(source);
}
