/** The page's only access to the engine. Decides where the engine runs. */
import type {
  FoveaModel,
  HubMatch,
  HubSearchOptions,
  ModelFiles,
  ModelFit,
  ModelPlan,
  SmallCopy,
  SmallCopyOptions,
  StoredModel,
  WorkerOptions,
} from "../api.ts";
import { createFovea } from "../worker/client.ts";

/** The source of a model. */
export type ModelSource = string | ModelFiles;

/** Access to a model. The token is a secret: it is passed on, never shown or stored. */
export type ModelAccess = Pick<WorkerOptions, "hubToken" | "cache" | "variant">;

/** Name of the model whose files lie beside the page. */
export const SHIPPED_MODEL = "fovea-demo";

/** Throws like `createFovea`. */
export function loadModel(source: ModelSource, options: WorkerOptions): Promise<FoveaModel> {
  return createFovea(source, { modelsUrl: modelsUrl(), compile: "background", ...options });
}

/** Makes a small copy of a model in the browser's storage. Throws like the library's `keepSmallCopy`. */
export async function keepSmallCopy(source: ModelSource, options: SmallCopyOptions): Promise<SmallCopy> {
  const { keepSmallCopy } = await import("../worker/keep-copy.ts");
  return keepSmallCopy(source, { modelsUrl: modelsUrl(), ...options });
}

/** Folder of the shipped models: the page's own. */
function modelsUrl(): string {
  return new URL("./", document.baseURI).href;
}

// The functions below are rarely used, so they come in a separate script.

/** The cost of loading a model. Throws like the library's `planModel`. */
export async function planModel(source: ModelSource, access: ModelAccess, signal: AbortSignal): Promise<ModelPlan> {
  const { planModel } = await import("../index.ts");
  return planModel(source, { modelsUrl: modelsUrl(), signal, ...access });
}

/** True if so much memory is likely to fit this device's GPU. */
export async function guessFit(bytes: number): Promise<ModelFit | undefined> {
  const { guessFit } = await import("../index.ts");
  return guessFit(bytes);
}

/** Models on the hub that can be loaded. Throws like the library's `searchHub`. */
export async function searchHub(words: string, options: HubSearchOptions): Promise<HubMatch[]> {
  const { searchHub } = await import("../index.ts");
  return searchHub(words, options);
}

/** The stored models. */
export async function storedModels(): Promise<StoredModel[]> {
  const { storedModels } = await import("../index.ts");
  return storedModels();
}

/** Deletes the rows of a conversation. Returns whether they were stored. */
export async function deleteStoredConversation(name: string): Promise<boolean> {
  const { deleteStoredConversation } = await import("../index.ts");
  return deleteStoredConversation(name);
}

/** Deletes a stored model. Returns whether it was stored. */
export async function deleteStoredModel(source: string): Promise<boolean> {
  const { deleteStoredModel } = await import("../index.ts");
  return deleteStoredModel(source);
}
