/** The element's events: what each carries, and their names for `addEventListener` anywhere in a page. Types only. */

import type { GenerationStats, LoadProgress, ModelInfo } from "../api.ts";
import type { FoveaErrorCode } from "../errors.ts";

export interface FoveaProgressDetail extends LoadProgress {
  /** Whether the load waits for another tab of the browser that is at work. */
  waiting: boolean;
}

export interface FoveaReadyDetail {
  info: ModelInfo;
}

export interface FoveaTextDetail {
  /** What was written since the last event. */
  text: string;
  /** The answer so far. */
  answer: string;
}

export interface FoveaDoneDetail {
  /** The answer, cut short where the reason is not "stop". */
  answer: string;
  /** "stop": the model was done; "length": the longest answer; "abort": `stop()`, or the element was taken away. */
  reason: "stop" | "length" | "abort";
  /** Missing where the answer was stopped before the engine had begun. */
  stats: GenerationStats | undefined;
}

export interface FoveaErrorDetail {
  error: unknown;
  /** Of a `FoveaError`; undefined for a wrong argument or attribute. */
  code: FoveaErrorCode | undefined;
}

/** All bubble, cross shadow roots, and cannot be cancelled. */
export interface FoveaChatEventMap {
  "fovea-progress": CustomEvent<FoveaProgressDetail>;
  "fovea-ready": CustomEvent<FoveaReadyDetail>;
  "fovea-text": CustomEvent<FoveaTextDetail>;
  "fovea-done": CustomEvent<FoveaDoneDetail>;
  "fovea-error": CustomEvent<FoveaErrorDetail>;
}

declare global {
  // Elements, documents and windows: the events bubble up to all of them.
  interface GlobalEventHandlersEventMap extends FoveaChatEventMap {}
}
