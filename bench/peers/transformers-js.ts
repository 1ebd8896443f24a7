/** transformers.js in the browser, as one of two engines that answer questions. Its files are served by browser-host.ts. */

/** Where the package's files and those of its own onnxruntime-web are served. */
export const TRANSFORMERS_ADDRESS = "/transformers/";
export const TRANSFORMERS_ORT_ADDRESS = "/transformers-ort/";

/** A question about a text or a picture. */
export interface Question {
  text: string;
  picture?: Blob;
  /** False: the whole picture in one view. */
  tiles?: boolean;
}

/** Times of one answer. */
export interface Answered {
  promptTokens: number;
  newTokens: number;
  /** From the question to the first token. */
  firstMs: number;
  totalMs: number;
}

/** An answer with the tensors behind it, so that another engine can compute the same. */
export interface Traced extends Answered {
  /** The prompt, with an id for each row of a picture. */
  ids: number[];
  pixels: { data: Float32Array; shape: [3, number, number] }[];
  greedy: number[];
  /** [V], of the prompt's last row. */
  logits: Float32Array;
}

/** An engine with a loaded model. */
export interface Answering {
  loadMs: number;
  /** Answers greedily with `tokens` tokens, fewer only if the model ends the answer. */
  ask(question: Question, tokens: number): Promise<Answered>;
  dispose(): Promise<void>;
}

export type Device = "webgpu" | "wasm";

interface JsTensor {
  data: Float32Array | BigInt64Array;
  dims: number[];
}

/** The used part of the package. */
interface Package {
  env: {
    version: string;
    allowLocalModels: boolean;
    allowRemoteModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    useWasmCache: boolean;
    backends: { onnx: { wasm: { numThreads: number; wasmPaths: object } } };
  };
  AutoProcessor: { from_pretrained(model: string): Promise<Processor> };
  AutoModelForImageTextToText: { from_pretrained(model: string, options: object): Promise<Model> };
  RawImage: { fromBlob(blob: Blob): Promise<object> };
}

type Inputs = Record<string, JsTensor> & { input_ids: JsTensor; pixel_values?: JsTensor };

interface Processor {
  (text: string, images: object[], options: object): Promise<Inputs>;
  tokenizer(text: string): Inputs;
  apply_chat_template(messages: object[], options: object): string;
}

interface Model {
  generate(options: object): Promise<JsTensor>;
  dispose(): Promise<unknown>;
}

let loading: Promise<Package> | undefined;

/** The package, with as many threads as the machine has. Throws if the page is not cross-origin isolated: it would have one. */
export function loadTransformers(): Promise<Package> {
  loading ??= (async () => {
    if (!crossOriginIsolated) throw new Error("the page is not cross-origin isolated");
    const address = `${TRANSFORMERS_ADDRESS}transformers.min.js`;
    const found = (await import(/* @vite-ignore */ address)) as Package;
    const { env } = found;
    env.allowLocalModels = true;
    env.allowRemoteModels = false;
    env.localModelPath = "/";
    // Files come from this machine each time, as they do for Fovea.
    env.useBrowserCache = false;
    env.useWasmCache = false;
    const name = new URL(`${TRANSFORMERS_ORT_ADDRESS}ort-wasm-simd-threaded.asyncify`, location.href).href;
    env.backends.onnx.wasm.wasmPaths = { mjs: `${name}.mjs`, wasm: `${name}.wasm` };
    env.backends.onnx.wasm.numThreads = navigator.hardwareConcurrency;
    return found;
  })();
  return loading;
}

/** A model in f32 on a device. `dispose` releases its sessions. */
export class TransformersJs implements Answering {
  readonly loadMs: number;
  readonly #processor: Processor;
  readonly #model: Model;
  readonly #RawImage: Package["RawImage"];

  private constructor(parts: [Processor, Model], { RawImage }: Package, loadMs: number) {
    [this.#processor, this.#model] = parts;
    this.#RawImage = RawImage;
    this.loadMs = loadMs;
  }

  /** @param folder path of the model on this server, without slashes around it */
  static async open(folder: string, device: Device): Promise<TransformersJs> {
    const found = await loadTransformers();
    const start = performance.now();
    const processor = await found.AutoProcessor.from_pretrained(folder);
    const model = await found.AutoModelForImageTextToText.from_pretrained(folder, { device, dtype: "fp32" });
    return new TransformersJs([processor, model], found, performance.now() - start);
  }

  async ask(question: Question, tokens: number): Promise<Answered> {
    const { answered } = await this.#run(question, tokens);
    return answered;
  }

  /** As `ask`, with the tensors. */
  async trace(question: Question, tokens: number): Promise<Traced> {
    let logits: Float32Array | undefined;
    const keep = (_ids: unknown, found: JsTensor) => {
      logits ??= Float32Array.from(found.data as Float32Array);
      return found;
    };
    const { answered, inputs, greedy } = await this.#run(question, tokens, [keep]);
    const ids = Array.from(inputs.input_ids.data as BigInt64Array, Number);
    return { ...answered, ids, pixels: viewsOf(inputs.pixel_values), greedy, logits: logits! };
  }

  async #run({ text, picture, tiles = false }: Question, tokens: number, processors: unknown[] = []) {
    const start = performance.now();
    const image = picture && (await this.#RawImage.fromBlob(picture));
    const content = [...(image ? [{ type: "image" }] : []), { type: "text", text }];
    const prompt = this.#processor.apply_chat_template([{ role: "user", content }], { add_generation_prompt: true });
    const inputs = image
      ? await this.#processor(prompt, [image], { do_image_splitting: tiles })
      : this.#processor.tokenizer(prompt);
    const greedy: number[] = [];
    const times: number[] = [];
    const streamer = {
      // The first call carries the prompt.
      put([ids]: bigint[][]) {
        if (times.length > 0) greedy.push(Number(ids![0]));
        times.push(performance.now() - start);
      },
      end() {},
    };
    const options = { max_new_tokens: tokens, do_sample: false, streamer, logits_processor: processors };
    await this.#model.generate({ ...inputs, ...options });
    const answered: Answered = {
      promptTokens: inputs.input_ids.dims[1]!,
      newTokens: greedy.length,
      firstMs: times[1]!,
      totalMs: times.at(-1)!,
    };
    return { answered, inputs, greedy };
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }
}

/** Views of pixel values [1, V, 3, S, S]. */
function viewsOf(values: JsTensor | undefined): Traced["pixels"] {
  if (!values) return [];
  const [, views, channels, height, width] = values.dims as [number, number, number, number, number];
  const size = channels * height * width;
  const data = values.data as Float32Array;
  return Array.from({ length: views }, (_, view) => ({
    data: data.slice(view * size, (view + 1) * size),
    shape: [3, height, width],
  }));
}
