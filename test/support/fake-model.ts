/** A model without an engine: gives the events that a test wrote down, and keeps what it was asked. */
import type { GenerateRequest, Generation, GenerationEvent, GenerationStats, ModelInfo } from "../../src/api.ts";
import { RunningGeneration } from "../../src/running-generation.ts";

export const STATS: GenerationStats = {
  pictures: [{ views: 1, tokensBefore: 16, tokensAfter: 8, reused: false }],
  imageTokensBefore: 16,
  imageTokensAfter: 8,
  promptTokens: 21,
  reusedTokens: 0,
  reuse: "any token",
  newTokens: 3,
  compileMs: 0,
  visionMs: 1,
  prefillMs: 2,
  decodeMs: 3,
  totalMs: 6,
  timeToFirstTokenMs: 4,
  tokensPerSecond: 1000,
  gpuBytes: 4096,
};

export const INFO: ModelInfo = {
  family: "llava",
  parameters: 1000,
  weightBytes: 4000,
  precision: "f32",
  weights: "f32",
  keyValues: "f32",
  adapter: "none",
  contextLength: 64,
  vocabularySize: 100,
  takesPictures: true,
  takesTools: true,
  imageTokens: 16,
  defaults: { compression: { method: "none" }, inhibition: { maxRatio: 0 } },
  canGenerate: true,
  warnings: [],
};

export const text = (text: string): GenerationEvent => ({ type: "text", text });
export const done = (reason: "stop" | "length" = "stop"): GenerationEvent => ({ type: "done", reason, stats: STATS });
export const BEGINNING: GenerationEvent[] = [
  { type: "image", index: 0, tokens: 8, milliseconds: 1, stages: [], views: [] },
  { type: "prefill", tokens: 21, milliseconds: 2 },
];

/** A step of an answer: an event, an error that is thrown, or a wait for the abort. */
export type Step = GenerationEvent | Error | "wait";

/** A model whose answers are the given steps. */
export class FakeModel {
  readonly info = INFO;
  /** Newest last. */
  readonly requests: GenerateRequest[] = [];
  steps: Step[];
  /** Resolves when an answer was aborted. */
  readonly aborted: Promise<void>;
  #onAborted = () => {};

  constructor(steps: Step[] = [...BEGINNING, text("A "), text(""), text("cat."), done()]) {
    this.steps = steps;
    this.aborted = new Promise((resolve) => {
      this.#onAborted = resolve;
    });
  }

  generate(request: GenerateRequest): Generation {
    this.requests.push(request);
    return new RunningGeneration(async (emit, signal) => {
      for (const step of this.steps) {
        if (step instanceof Error) throw step;
        if (step === "wait" && !signal.aborted)
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        if (signal.aborted) {
          this.#onAborted();
          emit({ type: "done", reason: "abort", stats: STATS });
          return;
        }
        if (step !== "wait") emit(step);
        // As an engine does, which waits for its device between any two events.
        await Promise.resolve();
      }
    }, request.signal);
  }
}

/** A request that asks for nothing special, with these changes. */
export function requestOf(changes: object = {}) {
  return { model: "fovea", messages: [{ role: "user" as const, content: "What is it?" }], ...changes };
}
