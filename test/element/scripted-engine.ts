/** Engines that do what a test says, step by step, for the element. Nothing is downloaded, and nothing is computed. */
import type {
  CountTokensOptions,
  EncodeImageOptions,
  FoveaModel,
  GenerateRequest,
  Generation,
  GenerationEvent,
  GenerationStats,
  ImageFeatures,
  ImageInput,
  ImageScores,
  Inspection,
  Message,
  ModelInfo,
  TextEmbeddings,
  TokenCount,
  ToolCall,
  WorkerOptions,
} from "../../src/api.ts";
import { FoveaError } from "../../src/errors.ts";
import { RunningGeneration } from "../../src/running-generation.ts";
import { INFO, STATS } from "../support/fake-model.ts";

/** One answer that is being written. */
class ScriptedAnswer {
  readonly request: GenerateRequest;
  readonly generation: Generation;
  #emit!: (event: GenerationEvent) => void;
  #end!: () => void;
  #fail!: (error: unknown) => void;

  constructor(request: GenerateRequest) {
    this.request = request;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.generation = new RunningGeneration((emit, signal) => {
      this.#emit = emit;
      signal.addEventListener("abort", () => this.finish("abort"));
      return ended;
    }, request.signal);
  }

  write(text: string): void {
    this.emit({ type: "text", text });
  }

  emit(event: GenerationEvent): void {
    this.#emit(event);
  }

  finish(reason: "stop" | "length" | "abort" = "stop", stats: GenerationStats = STATS): void {
    this.#emit({ type: "done", reason, stats });
    this.#end();
  }

  /** Ends with calls of tools. */
  call(toolCalls: ToolCall[]): void {
    this.#emit({ type: "done", reason: "stop", stats: STATS, toolCalls });
    this.#end();
  }

  fail(error: unknown): void {
    this.#fail(error);
  }
}

/** A loaded model. */
export class ScriptedModel implements FoveaModel {
  readonly info: ModelInfo;
  readonly memory = { gpuBytes: 0, peakGpuBytes: 0 };
  readonly answers: ScriptedAnswer[] = [];
  disposals = 0;
  /** Gives the features of a picture. */
  encode = async (_image: ImageInput, _options?: EncodeImageOptions): Promise<ImageFeatures> => {
    throw new Error("not scripted");
  };

  /** Gives the tokens of a conversation. */
  count = async (_messages: Message[], _options?: CountTokensOptions): Promise<TokenCount> => {
    throw new Error("not scripted");
  };

  constructor(info: Partial<ModelInfo> = {}) {
    this.info = { ...INFO, imageTokens: 576, ...info };
  }

  /** The newest answer. */
  get answer(): ScriptedAnswer {
    return this.answers.at(-1)!;
  }

  generate(request: GenerateRequest): Generation {
    this.answers.push(new ScriptedAnswer(request));
    return this.answer.generation;
  }

  encodeImage(image: ImageInput, options?: EncodeImageOptions): Promise<ImageFeatures> {
    return this.encode(image, options);
  }

  countTokens(messages: Message[], options?: CountTokensOptions): Promise<TokenCount> {
    return this.count(messages, options);
  }

  async encodeText(): Promise<TextEmbeddings> {
    throw new Error("not scripted");
  }

  async score(): Promise<ImageScores> {
    throw new Error("not scripted");
  }

  async inspect(): Promise<Inspection> {
    throw new Error("not scripted");
  }

  dispose(): void {
    this.disposals++;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** One load, as `createFovea` is told of it. */
class ScriptedLoad {
  readonly source: string;
  readonly options: WorkerOptions;
  readonly model: Promise<FoveaModel>;
  finish!: (model?: ScriptedModel) => ScriptedModel;
  fail!: (error: unknown) => void;

  constructor(source: string, options: WorkerOptions) {
    this.source = source;
    this.options = options;
    this.model = new Promise((resolve, reject) => {
      this.finish = (model = new ScriptedModel()) => {
        resolve(model);
        return model;
      };
      this.fail = reject;
      options.signal?.addEventListener("abort", () => reject(new FoveaError("aborted", "aborted during loading")));
    });
  }

  progress(loadedBytes: number, totalBytes: number): void {
    this.options.onProgress?.({ stage: "weights", file: "model.safetensors", loadedBytes, totalBytes });
  }
}

/** Loads that were asked for, in their order. `load` is what an `EngineRegistry` wants. */
export class ScriptedLoader {
  readonly loads: ScriptedLoad[] = [];

  readonly load = (source: string, options: WorkerOptions): Promise<FoveaModel> => {
    this.loads.push(new ScriptedLoad(source, options));
    return this.last.model;
  };

  get last(): ScriptedLoad {
    return this.loads.at(-1)!;
  }
}
