/**
 * The public types: what callers hand in and get back. No code lives here.
 * Shapes: T tokens of a prompt, V vocabulary, n image tokens.
 */

import type { AnswerFormat } from "./shared/answer-format.ts";
import type { AnswerToken, TokenProbability } from "./shared/answer-token.ts";
import type { AnsweringServer } from "./shared/answering-server.ts";
import type { TextDocument } from "./shared/documents.ts";
import type { EmbeddingInfo, EncodeTextOptions, ImageScores, TextEmbeddings } from "./shared/embedding.ts";
import type { GenerationEvent } from "./shared/generation-event.ts";
import type { AnswerAttention, GenerationStats, PictureCost } from "./shared/generation-stats.ts";
import type { HubMatch, HubSearchOptions } from "./shared/hub-match.ts";
import type { LoadProgress, ModelFit, ModelPlan } from "./shared/load-report.ts";
import type { Message, MessagePart, VideoPart } from "./shared/message.ts";
import type { ModelAbout } from "./shared/model-about.ts";
import type { ImageInput, PictureBudget } from "./shared/picture.ts";
import type { Compression, Inhibition } from "./shared/reduction.ts";
import type { SmallCopy, SmallCopyOptions, SmallCopyProgress } from "./shared/small-copy.ts";
import type {
  ConversationOptions,
  RestoredConversation,
  SavesConversations,
  StoredConversation,
} from "./shared/stored-conversation.ts";
import type { StorageReport, StoredModel } from "./shared/stored-model.ts";
import type { TokenCount } from "./shared/token-count.ts";
import type { PastToolCall, Tool, ToolCall, ToolChoice } from "./shared/tools.ts";
import type { VideoInput } from "./shared/video.ts";
import type {
  CompressionStage,
  ImageFeatures,
  InspectedImage,
  InspectedView,
  Inspection,
  Matrix,
  SeenView,
  ViewPlace,
} from "./shared/view.ts";

export type {
  AnswerAttention,
  AnswerFormat,
  AnsweringServer,
  AnswerToken,
  Compression,
  CompressionStage,
  ConversationOptions,
  EmbeddingInfo,
  EncodeTextOptions,
  GenerationEvent,
  GenerationStats,
  HubMatch,
  HubSearchOptions,
  ImageFeatures,
  ImageInput,
  ImageScores,
  Inhibition,
  InspectedImage,
  InspectedView,
  Inspection,
  LoadProgress,
  Matrix,
  Message,
  MessagePart,
  ModelFit,
  ModelPlan,
  PastToolCall,
  PictureBudget,
  PictureCost,
  RestoredConversation,
  SeenView,
  SmallCopy,
  SmallCopyOptions,
  SmallCopyProgress,
  StorageReport,
  StoredConversation,
  StoredModel,
  TextDocument,
  TextEmbeddings,
  TokenCount,
  TokenProbability,
  Tool,
  ToolCall,
  ToolChoice,
  VideoInput,
  VideoPart,
  ViewPlace,
};

/** File name -> bytes, for a checkpoint that needs no download: a folder that the user picked, a test. */
export type ModelFiles = Record<string, Blob | ArrayBuffer | Uint8Array>;

/** A few members of `GPUDevice`, so that the package's types do not need WebGPU's. */
export interface GpuDevice {
  readonly limits: object;
  readonly queue: object;
  createBuffer(descriptor: never): object;
  destroy(): void;
}

export interface LoadOptions {
  /** A device to run on; the caller keeps it. Without one, Fovea requests its own and destroys it on dispose. */
  device?: GpuDevice;
  /**
   * Operands of matmuls with many rows (encoder, prefill); products and sums are f32. "auto", the default, uses f16
   * where the device has it, a self-test passes, a measurement finds it faster, and the weights are packed anyway.
   * "f16" uses f16 wherever the self-test passes, else f32. `info.precision` says which.
   */
  precision?: "auto" | "f32" | "f16";
  /**
   * How the GPU stores weights: f32, f16, or integers of 8 or 4 bits in groups of 32 with one scale. Embeddings and
   * heads have at least 8 bits. "auto", the default, takes "f32" for small models, else the widest format that fits the
   * device's limits; `info.weights` says which. "auto" keeps packed files as they are. "f16" and "f32" unpack them,
   * which takes more memory; "q8" and "q4" are refused unless the file has them.
   */
  weights?: "auto" | "f32" | "f16" | "q8" | "q4";
  /**
   * Storage of the decoder's keys and values, which may take more memory than the weights. "auto", the default, takes
   * f16 where f32 would take more than 256 MiB and the weights are not f32. Sums stay f32, and so do layers with heads
   * of a width that 8 does not divide. `info.keyValues` says which.
   */
  keyValues?: "auto" | "f32" | "f16";
  /**
   * Where downloaded files are kept between visits. The default is "opfs", the private file system of the page's
   * origin, if the browser has one.
   */
  cache?: "opfs" | "none";
  /**
   * For "hf:" models that are private or whose licence must be accepted: an access token of an account that may read the
   * model. Sent to the hub's own origin only, never stored, never part of a message.
   */
  hubToken?: string;
  /** Address of the hub that "hf:" models come from, relative to the page; default: the public one. */
  hubUrl?: string;
  /**
   * Address of the folder that contains the known models' folders; relative to the page, as in "/models/". Default: the
   * package's own folder, beside the library.
   */
  modelsUrl?: string;
  /**
   * Which of several GGUF files in a folder to load: its name, or its quantisation, such as "Q4_K_M". The source may
   * name it instead: "hf:owner/name:Q4_K_M", or the address of the file. Default: the first that exists of Q4_K_M,
   * Q4_0, Q4_1, Q4_K_S, IQ4_NL, Q5_K_M, Q5_0, Q8_0, Q6_K, F16, BF16. A vision file may be named after a comma.
   */
  variant?: string;
  /**
   * "wait", the default: the model is loaded once all shaders are compiled. "background": it is loaded as soon as its
   * weights are there, and a question that is asked at once waits for the rest.
   */
  compile?: "wait" | "background";
  /** Positions in the KV cache; default: what the config allows, at most 4096. */
  maxContext?: number;
  /**
   * Bytes of GPU memory in which earlier conversations keep their rows, so that going back to one runs only its new
   * tokens. The least recently used go first. 0 keeps the last conversation only. Default: `ModelPlan.gpu.keptBytes`.
   */
  keptBytes?: number;
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

/** An option of loading, in this thread or in a worker. */
export interface WithFallback {
  /**
   * The model that answers where this one cannot run: without WebGPU, or without enough memory. A model of
   * `createRemote`, for example. Loading then resolves with this object itself, after a progress event of type
   * "fallback".
   */
  fallback: FoveaModel;
}

/** Options of `createFovea`: those of `Fovea.load` but for the device, which cannot leave the thread that made it. */
export interface WorkerOptions extends Omit<LoadOptions, "device"> {
  /**
   * One tab works on the GPU at a time, and one loads a model. Called with `true` when a request or a load of this page
   * waits for another tab, and with `false` when its turn comes. Never called while no other tab works. It is a
   * callback and not an event of an answer, because loads and pictures wait too.
   */
  onWait?: (waiting: boolean) => void;
}

export interface GenerateRequest {
  messages: Message[];
  /** Default: the model's own (`ModelInfo.defaults`), else none. */
  compression?: Compression;
  /** Default: the model's own, else off. */
  inhibition?: Inhibition;
  /** Limits on what one picture may cost. */
  pictures?: PictureBudget;
  /** New tokens at most, default 256. */
  maxTokens?: number;
  /** 0 (default) is greedy. */
  temperature?: number;
  /** Keep the k most likely tokens; 0 (default) keeps all. */
  topK?: number;
  /** Keep the smallest set of tokens whose probability reaches this; 1 (default) keeps all. */
  topP?: number;
  /** Keep tokens whose probability is at least this share of the most likely one's; 0 (default) keeps all. */
  minP?: number;
  /** Above 1 makes tokens seen before, in prompt or answer, less likely; default 1. */
  repetitionPenalty?: number;
  /** Subtracted from the logit of each token that the answer holds already; -2 to 2, default 0. */
  presencePenalty?: number;
  /** Subtracted as often as the answer holds the token; -2 to 2, default 0. */
  frequencyPenalty?: number;
  /** Token id -> what is added to its logit before the penalties, -100 to 100. */
  logitBias?: Record<number, number>;
  /**
   * 0 to 20: `logprobs` events carry the log-probability of each token of the answer, and those of this many most likely
   * tokens. They are the model's own: log-softmax of the logits, before bias, penalties and temperature.
   */
  topLogprobs?: number;
  /** Of the sampler, default 0. */
  seed?: number;
  /** Texts that end the answer; they are not part of it. */
  stop?: string[];
  /**
   * The form of the answer: it then parses, unless it was cut (`done` of reason "length" or "abort"). The first request
   * with one loads a library of a megabyte, WebAssembly in a worker of its own.
   */
  format?: AnswerFormat;
  /**
   * Functions that the model may call, by the convention of its chat template. Calls come in `tool-call` events, and
   * whole in `done`; the caller runs them and goes on with messages of role "tool". Models without a known convention
   * refuse.
   */
  tools?: Tool[];
  /**
   * Texts that the answer may draw on, for models whose chat template has a place for them. Other models refuse them:
   * write them into a message.
   */
  documents?: TextDocument[];
  /** Default "auto": the model chooses. */
  toolChoice?: ToolChoice;
  /** True if an answer may have several calls; default true. At false it ends after the first. */
  parallelToolCalls?: boolean;
  /** Adds an `attention` event before `done`: where each token of the answer looked. Default false. */
  attention?: boolean;
  signal?: AbortSignal;
}

/** A running answer: iterate it for events, or await the whole text. Events are kept until they are read. */
export interface Generation extends AsyncIterable<GenerationEvent> {
  text(): Promise<string>;
  /** Filled in when the answer is done. */
  readonly stats: GenerationStats | undefined;
}

/** Of `encodeImage`, which keeps every token unless `compression` is given. */
export type EncodeImageOptions = Pick<GenerateRequest, "compression" | "pictures" | "signal">;

/** Of `countTokens`: as `generate` takes them. */
export type CountTokensOptions = EncodeImageOptions & Pick<GenerateRequest, "tools" | "documents">;

/** Of `score`, which keeps every token of the picture unless `compression` is given. */
export interface ScoreOptions extends EncodeImageOptions {
  /**
   * Turns each label into a text: "{}" stands for the label. "This is a photo of {}." is common for zero-shot labels.
   * Without it, texts are used as they are.
   */
  template?: string;
}

/** Exactly one of `messages` (a conversation) and `inputIds` (the tensors themselves). */
export interface InspectRequest {
  messages?: Message[];
  /** With `messages`: whether the prompt ends with the beginning of an answer. Default true. */
  addGenerationPrompt?: boolean;
  /** With `messages`: limits on what one picture may cost. */
  pictures?: PictureBudget;
  /** Normalised pixels, planar RGB, one view for each image id in `inputIds`. */
  pixelValues?: { data: Float32Array; shape: [3, number, number] }[];
  inputIds?: number[];
  compression?: Compression;
  inhibition?: Inhibition;
  /** Tokens to decode greedily after the prompt, one by one through the cache. */
  greedySteps?: number;
}

export interface ModelInfo extends ModelAbout {
  /** Name of the family, as `model_type` of its published configs. */
  family: string;
  parameters: number;
  /** Bytes of weights on the GPU. */
  weightBytes: number;
  /** Arithmetic of the products with many rows. */
  precision: "f32" | "f16";
  /**
   * As requested or chosen: "f32", "f16", "q8" or "q4"; single tensors may be wider where their shapes or values
   * require it. For packed files that are kept as they are, the name of their encoding, such as "q4_k, q6_k" or "affine
   * int4 g64".
   */
  weights: string;
  /** Storage of keys and values; "f16" if any layer has it. */
  keyValues: "f32" | "f16";
  adapter: string;
  /** Positions in the KV cache; 0 for a classifier. */
  contextLength: number;
  vocabularySize: number;
  /** True if the model reads pictures. */
  takesPictures: boolean;
  /** True if its chat template has a known form of calling tools. */
  takesTools: boolean;
  /** Tokens of one view before compression: of the whole picture in models that do not cut it. 0 for a text model. */
  imageTokens: number;
  /** Compression and inhibition of requests that leave them out. */
  defaults: { compression: Compression; inhibition: Inhibition };
  /** True if there is a tokenizer, so that `generate` can be called. */
  canGenerate: boolean;
  /** Of a model that embeds pictures, texts or both; see `encodeImage`, `encodeText` and `score`. */
  embedding?: EmbeddingInfo;
  /** For a model on a server: its address and name there. All numbers are then 0, except a known `contextLength`. */
  server?: AnsweringServer;
  /** Sentences about parts of the model that were ignored or could not be used; see also `LoadProgress.type`. */
  warnings: readonly string[];
}

/** GPU memory of one model, in bytes: now, and the most it ever was. */
export interface MemoryUse {
  gpuBytes: number;
  peakGpuBytes: number;
}

/** A loaded model, wherever it runs: the class `Fovea` in this thread, or `createFovea` in a worker. */
export interface FoveaModel extends Partial<SavesConversations> {
  readonly info: ModelInfo;
  readonly memory: MemoryUse;
  /** Answers a conversation; see `Fovea.generate`. */
  generate(request: GenerateRequest): Generation;
  /** Counts the tokens of a conversation without running it; see `Fovea.countTokens`. */
  countTokens(messages: Message[], options?: CountTokensOptions): Promise<TokenCount>;
  /** Encodes one picture; see `Fovea.encodeImage`. */
  encodeImage(image: ImageInput, options?: EncodeImageOptions): Promise<ImageFeatures>;
  /** Embeds texts; see `Fovea.encodeText`. */
  encodeText(texts: readonly string[], options?: EncodeTextOptions): Promise<TextEmbeddings>;
  /** How well each text describes a picture; see `Fovea.score`. */
  score(image: ImageInput, texts: readonly string[], options?: ScoreOptions): Promise<ImageScores>;
  /** The model as numbers; see `Fovea.inspect`. */
  inspect(request: InspectRequest): Promise<Inspection>;
  /** Frees everything. Calls that still run fail with `disposed`. */
  dispose(): void;
  [Symbol.dispose](): void;
}
