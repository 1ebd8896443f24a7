/** The element's events: their details, and their names for `addEventListener` anywhere in a page. Types only. */

import type { GenerationStats, LoadProgress, ModelInfo, ToolCall } from "../api.ts";
import type { FoveaErrorCode } from "../errors.ts";
import type { ChatPicture } from "./pictures.ts";
import type { Turn } from "./turns.ts";
import type { PointedWords } from "./word-pointer.ts";

export interface FoveaProgressDetail extends LoadProgress {
  /** True if the load waits for another tab. */
  waiting: boolean;
}

export interface FoveaReadyDetail {
  info: ModelInfo;
}

export interface FoveaTextDetail {
  /** New text since the last event. */
  text: string;
  /** The answer so far. */
  answer: string;
}

export interface FoveaDoneDetail {
  /** The answer; incomplete unless the reason is "stop". */
  answer: string;
  /** "stop": the model finished; "length": the length limit; "abort": `stop()`, or the element was removed. */
  reason: "stop" | "length" | "abort";
  /** Undefined if the answer was stopped before the engine started. */
  stats: GenerationStats | undefined;
  /** Calls at the end of the answer that no listener of "fovea-call" answered; the page may run them. */
  toolCalls: readonly ToolCall[];
}

export interface FoveaCallDetail {
  call: ToolCall;
  /** The parsed arguments. Nothing has compared them with the tool's schema. */
  args: Record<string, unknown>;
  /**
   * Answers the call, while the event is dispatched; the first answer counts. A string is passed on as it is, other
   * values as JSON. A promise that rejects tells the model the error's message.
   */
  respond(result: unknown): void;
}

export interface FoveaErrorDetail {
  error: unknown;
  /** The code of a `FoveaError`; undefined for a wrong argument or attribute. */
  code: FoveaErrorCode | undefined;
}

export interface FoveaTurnsDetail {
  /** The conversation, oldest turn first. Do not change it. */
  turns: readonly Turn<ChatPicture>[];
}

/** The words that are pointed at; all undefined once there are none. */
export type FoveaWordsDetail = PointedWords | { turn: undefined; words: undefined; isPinned: false };

export interface FoveaInspectDetail {
  /** Id of the turn. */
  turn: number;
}

export interface FoveaModelFilesDetail {
  /** Files that the user dropped or chose, of which at least one holds weights. */
  files: readonly File[];
}

/** All bubble and cross shadow roots. Only "fovea-model" can be cancelled: then the element does not load the files. */
export interface FoveaChatEventMap {
  "fovea-progress": CustomEvent<FoveaProgressDetail>;
  "fovea-ready": CustomEvent<FoveaReadyDetail>;
  "fovea-text": CustomEvent<FoveaTextDetail>;
  "fovea-done": CustomEvent<FoveaDoneDetail>;
  "fovea-call": CustomEvent<FoveaCallDetail>;
  "fovea-error": CustomEvent<FoveaErrorDetail>;
  "fovea-turns": CustomEvent<FoveaTurnsDetail>;
  "fovea-words": CustomEvent<FoveaWordsDetail>;
  "fovea-inspect": CustomEvent<FoveaInspectDetail>;
  "fovea-model": CustomEvent<FoveaModelFilesDetail>;
}

declare global {
  // Elements, documents and windows: the events bubble up to all of them.
  interface GlobalEventHandlersEventMap extends FoveaChatEventMap {}
}
