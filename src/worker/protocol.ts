/**
 * What page and worker say to each other: types only. Both ends are ours and of one version, so nothing is checked on
 * arrival. A worker serves one model; every call has a number, and all that is said about it carries that number.
 *
 * This is our own and not `comlink`, which has no signals, loses class and code of errors, makes a round trip of every
 * streamed event, and leaves calls pending for ever when the worker dies.
 */
import type {
  Compression,
  GenerateRequest,
  GenerationEvent,
  ImageInput,
  InspectRequest,
  LoadProgress,
  MemoryUse,
  ModelFiles,
  WorkerOptions,
} from "../api.ts";
import type { FoveaErrorCode } from "../errors.ts";

/** Options of loading that are plain values; the others stay on the page and become messages. */
export type LoadSettings = Omit<WorkerOptions, "signal" | "onProgress" | "onWait">;

/** The copy of a caller's bitmap, and the number of the original, by which the worker knows it again. */
export interface NumberedBitmap {
  bitmap: ImageBitmap;
  number: number;
}

/** A picture on its way: elements and canvases are bitmaps by now, addresses absolute. */
export type SentImage = Exclude<ImageInput, HTMLImageElement | HTMLCanvasElement | OffscreenCanvas> | NumberedBitmap;

export type SentPart = { type: "text"; text: string } | { type: "image"; image: SentImage };

export interface SentMessage {
  role: "system" | "user" | "assistant";
  content: string | SentPart[];
}

export type SentRequest = Omit<GenerateRequest, "messages" | "signal"> & { messages: SentMessage[] };

/** What the page asks for. The answers are, in this order: `ModelInfo`, nothing, `ImageFeatures`, `Inspection`. */
export type Call =
  /** The first call, and the only one of its kind. `lifeLock` is for the worker to hold as long as it lives. */
  | { type: "load"; source: string | ModelFiles; options: LoadSettings; lifeLock: string }
  | { type: "generate"; request: SentRequest }
  | { type: "encodeImage"; image: SentImage; options: { compression?: Compression } }
  | { type: "inspect"; request: InspectRequest };

/** Page to worker. */
export type ToWorker = { call: number } & (
  | Call
  /** The call's signal has fired. */
  | { type: "abort" }
  /** The last "events" of the call were read; the next may come. */
  | { type: "taken" }
);

/** Worker to page. */
export type ToPage =
  /** The worker runs, and holds its life lock if the browser has such locks. */
  | { type: "alive"; holdsLock: boolean }
  /** Sent ahead of another message when it has changed. */
  | { type: "memory"; memory: MemoryUse }
  | { type: "waiting"; waiting: boolean }
  | { type: "progress"; call: number; progress: LoadProgress }
  | { type: "events"; call: number; events: GenerationEvent[] }
  | { type: "result"; call: number; value: unknown }
  | { type: "failure"; call: number; error: SentError };

export interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
  /** Of a FoveaError. */
  code: FoveaErrorCode | undefined;
}

/** One end of the way between them: a `Worker`, or what a worker calls itself. */
export interface Port<In, Out> {
  postMessage(message: Out, options: { transfer: Transferable[] }): void;
  addEventListener(type: "message", listener: (event: MessageEvent<In>) => void): void;
}
