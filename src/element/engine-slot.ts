/** One element's use of an engine: acquires it, follows its load, and releases it. Shows nothing. */
import type { FoveaModel, LoadProgress, ModelInfo } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { EngineLease, EngineRegistry } from "./engines.ts";

/** The state of an element's engine. */
export type EngineState =
  /** `paused`: the progress of a download that was stopped and can be resumed. */
  | { phase: "none"; paused?: LoadProgress }
  | { phase: "loading"; progress: LoadProgress | undefined; waiting: boolean }
  | { phase: "ready"; info: ModelInfo; waiting: boolean }
  | { phase: "failed"; error: unknown };

/** Receives a slot's events. */
export interface EngineSlotOwner {
  onState(state: EngineState): void;
  /** Called during a load, for each progress and each change of `waiting`. */
  onProgress(progress: LoadProgress, waiting: boolean): void;
}

const BEGINNING: LoadProgress = { stage: "config", loadedBytes: 0, totalBytes: 0 };

interface Held {
  readonly source: string;
  lease?: EngineLease;
  ready?: Promise<FoveaModel>;
}

/** Holds at most one engine. */
export class EngineSlot {
  readonly #owner: EngineSlotOwner;
  #held: Held | undefined;
  #state: EngineState = { phase: "none" };

  constructor(owner: EngineSlotOwner) {
    this.#owner = owner;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** The source of the acquired engine, or of the last one, which failed. */
  get source(): string | undefined {
    return this.#held?.source;
  }

  /** The model of a source; loads it if needed. Releases another one first, because two may not fit on the GPU. */
  acquire(source: string, engines: EngineRegistry): Promise<FoveaModel> {
    if (this.#held?.ready && this.#held.source === source && this.#state.phase !== "failed") return this.#held.ready;
    this.release();
    const held: Held = { source };
    this.#held = held;
    this.#set({ phase: "loading", progress: undefined, waiting: false });
    held.lease = engines.lease(source, {
      onProgress: (progress) => this.#show(held, { progress }),
      onWait: (waiting) => this.#show(held, { waiting }),
    });
    held.ready = this.#settle(held, held.lease.model);
    held.ready.catch(() => {});
    return held.ready;
  }

  /** Releases the engine. A load without other users ends; waiting callers get `aborted`. */
  release(): void {
    const held = this.#held;
    if (!held) return;
    const progress = this.#state.phase === "loading" ? this.#state.progress : undefined;
    this.#held = undefined;
    held.lease?.release();
    this.#set({ phase: "none", ...(progress?.stage === "weights" && { paused: progress }) });
  }

  /** Handles an error of the model: releases a dead engine, so that the next use loads again. */
  onModelError(error: unknown): void {
    if (!(error instanceof FoveaError) || (error.code !== "device-lost" && error.code !== "disposed")) return;
    this.#held?.lease?.retire();
    this.release();
  }

  async #settle(held: Held, loading: Promise<FoveaModel>): Promise<FoveaModel> {
    try {
      const model = await loading;
      const waiting = this.#state.phase === "loading" && this.#state.waiting;
      if (this.#held === held) this.#set({ phase: "ready", info: model.info, waiting });
      return model;
    } catch (error) {
      if (this.#held === held) this.#set({ phase: "failed", error });
      throw error;
    }
  }

  #show(held: Held, news: { progress?: LoadProgress; waiting?: boolean }): void {
    if (this.#held !== held) return;
    const state = this.#state;
    if (state.phase === "ready" && news.waiting !== undefined) this.#set({ ...state, waiting: news.waiting });
    if (state.phase !== "loading") return;
    const next = { ...state, ...news };
    this.#set(next);
    this.#owner.onProgress(next.progress ?? BEGINNING, next.waiting);
  }

  #set(state: EngineState): void {
    this.#state = state;
    this.#owner.onState(state);
  }
}
