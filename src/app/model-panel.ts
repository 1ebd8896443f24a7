/** The part of the page where a model is chosen: by address, or as a folder or files of this machine. */
import { byId, byteText } from "./dom.ts";
import { errorText, type LoadProgress, loadModel, type Model, type ModelFiles } from "./engine.ts";

export class ModelPanel {
  readonly #onChange: (model: Model | undefined) => void;
  readonly #progress = byId("model-progress", HTMLDivElement);
  readonly #bar = byId("model-bar", HTMLProgressElement);
  readonly #step = byId("model-step", HTMLSpanElement);
  readonly #info = byId("model-info", HTMLParagraphElement);
  readonly #error = byId("model-error", HTMLParagraphElement);
  #loading: AbortController | undefined;
  #model: Model | undefined;

  /** @param onChange told of a model once it can be asked, and of its end with undefined */
  constructor(onChange: (model: Model | undefined) => void) {
    this.#onChange = onChange;
    const address = byId("model-url", HTMLInputElement);
    byId("model-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#load(address.value, address.value);
    });
    byId("model-cancel", HTMLButtonElement).addEventListener("click", () => this.#loading?.abort());
    this.#offerFiles("model-folder");
    this.#offerFiles("model-files");
  }

  #offerFiles(id: string): void {
    const input = byId(`${id}-input`, HTMLInputElement);
    byId(id, HTMLButtonElement).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      // So that the same choice can be made again.
      input.value = "";
      if (files.length === 0) return;
      const byPath: ModelFiles = Object.fromEntries(files.map((file) => [file.webkitRelativePath || file.name, file]));
      void this.#load(byPath, files[0]!.webkitRelativePath.split("/")[0] || `${files.length} files`);
    });
  }

  async #load(source: string | ModelFiles, name: string): Promise<void> {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    // Two models at once may not fit on the GPU.
    this.#onChange(undefined);
    this.#model?.dispose();
    this.#model = undefined;
    this.#error.textContent = "";
    this.#info.textContent = "No model is loaded.";
    this.#progress.hidden = false;
    this.#show({ stage: "config", loadedBytes: 0, totalBytes: 0 });
    try {
      const onProgress = (progress: LoadProgress) => this.#loading === loading && this.#show(progress);
      const model = await loadModel(source, { signal: loading.signal, onProgress });
      if (this.#loading !== loading) {
        model.dispose();
        return;
      }
      this.#model = model;
      this.#info.textContent = `${name}: ${describe(model)}`;
      this.#onChange(model);
    } catch (error) {
      if (this.#loading === loading) this.#error.textContent = errorText(error) ?? "";
    } finally {
      if (this.#loading === loading) {
        this.#loading = undefined;
        this.#progress.hidden = true;
      }
    }
  }

  #show({ stage, loadedBytes, totalBytes }: LoadProgress): void {
    if (stage === "weights") {
      this.#bar.value = loadedBytes / Math.max(1, totalBytes);
      this.#step.textContent = `${byteText(loadedBytes)} of ${byteText(totalBytes)}`;
    } else {
      this.#bar.removeAttribute("value");
      this.#step.textContent = stage === "config" ? "Reading the model's description" : "Compiling shaders";
    }
  }
}

function describe({ info }: Model): string {
  const { modelType, parameters, weightBytes, imageTokens, adapter } = info;
  const parts = [
    `${modelType}, ${(parameters / 1e6).toFixed(1)} million parameters`,
    `${byteText(weightBytes)} of weights on ${adapter || "the GPU"}`,
    imageTokens > 0 ? `${imageTokens} tokens a picture` : "reads text only",
  ];
  return `${parts.join("; ")}.`;
}
