/**
 * The messages between page and worker: types only. Both ends have the same version, so messages are not checked. A
 * worker serves one model. Every call has a number, and all messages about it carry that number.
 *
 * `comlink` is rejected. It has no signals, loses class and code of errors, and makes a round trip of every streamed
 * event. Calls stay pending forever when the worker dies.
 */
import type {
  CountTokensOptions,
  EncodeImageOptions,
  GenerateRequest,
  GenerationEvent,
  ImageInput,
  InspectRequest,
  LoadProgress,
  MemoryUse,
  Message,
  ModelFiles,
  ScoreOptions,
  SmallCopyOptions,
  SmallCopyProgress,
  VideoPart,
  WorkerOptions,
} from "../api.ts";
import type { ContextOverflow, FoveaErrorCode } from "../errors.ts";
import type { ShippedFiles } from "../shared/shipped-package.ts";

/** The options of loading that are plain values; the others stay on the page and become messages. */
export type LoadSettings = Omit<WorkerOptions, "signal" | "onProgress" | "onWait">;

/** The same of a small copy. */
export type CopySettings = Omit<SmallCopyOptions, "signal" | "onProgress">;

/** A copy of a caller's bitmap, and the number by which the worker recognises the original. */
export interface NumberedBitmap {
  bitmap: ImageBitmap;
  number: number;
}

/** A sent picture: elements and canvases have become bitmaps, addresses absolute. */
export type SentImage = Exclude<ImageInput, HTMLImageElement | HTMLCanvasElement | OffscreenCanvas> | NumberedBitmap;

export type SentPart =
  | { type: "text"; text: string }
  | { type: "image"; image: SentImage }
  /** An address has become absolute. */
  | (Omit<VideoPart, "video"> & { video: Blob | string });

/** A message with sent pictures. */
type Sent<M> = M extends Message ? Omit<M, "content"> & { content: string | SentPart[] } : never;
export type SentMessage = Sent<Message>;

export type SentRequest = Omit<GenerateRequest, "messages" | "signal"> & { messages: SentMessage[] };

/**
 * A call of the page. Results: "load" has a `ModelInfo`, "generate" none, each other call what the model's method of
 * its name returns.
 */
export type Call =
  /**
   * The first call, made once. The worker holds `lifeLock` while it lives. `shipped`: the demo model's files, for a
   * name.
   */
  | {
      type: "load";
      source: string | ModelFiles;
      options: LoadSettings;
      shipped: ShippedFiles | undefined;
      lifeLock: string;
    }
  /** The first and only call of a worker that makes a small copy. The result is a `SmallCopy`. */
  | {
      type: "keep-copy";
      source: string | ModelFiles;
      options: CopySettings;
      shipped: ShippedFiles | undefined;
      lifeLock: string;
    }
  /** The first and only call of a worker that looks at a model. The result is a `ModelPlan`. */
  | {
      type: "plan";
      source: string | ModelFiles;
      options: LoadSettings;
      shipped: ShippedFiles | undefined;
      lifeLock: string;
    }
  | { type: "generate"; request: SentRequest }
  | { type: "encodeImage"; image: SentImage; options: Omit<EncodeImageOptions, "signal"> }
  | { type: "countTokens"; messages: SentMessage[]; options: Omit<CountTokensOptions, "signal"> }
  | { type: "encodeText"; texts: readonly string[] }
  | { type: "score"; image: SentImage; texts: readonly string[]; options: Omit<ScoreOptions, "signal"> }
  | { type: "inspect"; request: InspectRequest }
  | { type: "saveConversation" | "restoreConversation"; name: string };

/** Page to worker. */
export type ToWorker = { call: number } & (
  | Call
  /** The call's signal has fired. */
  | { type: "abort" }
  /** The page has read the last "events" of the call. */
  | { type: "taken" }
);

/** Worker to page. */
export type ToPage =
  /** The worker runs. It holds its life lock if the browser supports locks. */
  | { type: "alive"; holdsLock: boolean }
  /** Sent before another message when the memory has changed. */
  | { type: "memory"; memory: MemoryUse }
  | { type: "waiting"; waiting: boolean }
  | { type: "progress"; call: number; progress: LoadProgress }
  | { type: "copied"; call: number; progress: SmallCopyProgress }
  | { type: "events"; call: number; events: GenerationEvent[] }
  | { type: "result"; call: number; value: unknown }
  | { type: "failure"; call: number; error: SentError };

export interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
  /** Of a FoveaError. */
  code: FoveaErrorCode | undefined;
  overflow?: ContextOverflow;
}

/** One end of the channel: a `Worker`, or the worker's global scope. */
export interface Port<In, Out> {
  postMessage(message: Out, options: { transfer: Transferable[] }): void;
  addEventListener(type: "message", listener: (event: MessageEvent<In>) => void): void;
}
