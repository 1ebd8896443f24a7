/**
 * Model files that a user drops on an element: kept while the page lives, under names that the attribute `model` takes.
 */
import type { ModelFiles } from "../api.ts";

const MODEL_FILE = /\.(gguf|safetensors)$/i;

const kept = new Map<string, ModelFiles>();

/** True if files are a model and not pictures: one of them holds weights. */
export function holdsModel(files: readonly File[]): boolean {
  return files.some(({ name }) => MODEL_FILE.test(name));
}

/**
 * The source for a value of the attribute `model`: dropped files and the one that is chosen of them, or the value
 * itself.
 */
export function droppedModel(value: string): { source: string | ModelFiles; variant?: string } {
  const name = droppedName(value);
  if (name === undefined) return { source: value };
  const variant = value.slice(name.length + 1);
  return { source: kept.get(name)!, ...(variant && { variant }) };
}

/**
 * The name of dropped files in a value of the attribute `model`, without the chosen one; undefined for any other value.
 */
export function droppedName(value: string): string | undefined {
  const [name] = value.split(":", 1);
  return kept.has(name!) ? name : undefined;
}

/** An element as far as dropped models are concerned. */
interface Loading extends EventTarget {
  model: string | null;
  load(): Promise<unknown>;
}

/**
 * Hands dropped files to the page as a "fovea-model" event. Unless a listener cancels it, the element loads them: with
 * names such as "dropped 1" as its `model`.
 */
export function takeModel(element: Loading, files: readonly File[]): void {
  const event = new CustomEvent("fovea-model", {
    detail: { files },
    bubbles: true,
    composed: true,
    cancelable: true,
  });
  if (!element.dispatchEvent(event)) return;
  const name = `dropped ${kept.size + 1}`;
  kept.set(name, Object.fromEntries(files.map((file) => [file.name, file])));
  element.model = name;
  // An error is shown, and told by an event.
  element.load().catch(() => {});
}
