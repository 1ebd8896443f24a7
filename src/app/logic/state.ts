/** The page's state: its types and its initial value. */
import type { AnswerAttention, GenerationStats, ImageFeatures, LoadProgress, ModelInfo } from "../../api.ts";
import type { TextRange } from "../../element/words.ts";
import type { Model, ModelSource } from "../engine.ts";
import type { Scene } from "../scene/scene.ts";
import type { SeenImage } from "./overlay.ts";
import type { Problem } from "./problem.ts";
import { PLAIN_SETTINGS, type Settings } from "./settings.ts";
import type { Store } from "./store.ts";

export interface PageState {
  model: ModelState;
  /** The next question, as far as it is typed. */
  question: string;
  /** Pictures that go with the next question. */
  draft: readonly PictureItem[];
  turns: readonly Turn[];
  settings: Settings;
  /** The settings that the loaded model recommends; of the last one while another loads. */
  defaults: Settings;
  /** Whether the next question is also asked without compression and inhibition. */
  compare: boolean;
  /** An answer is running or waiting for the model. */
  busy: boolean;
  view: View;
  offline: "unknown" | "ready" | "update";
  /** Why a picture was not added. */
  notice: string;
}

export type PageStore = Store<PageState>;

export interface ModelState {
  /** "paused": a download that can be resumed. */
  phase: "none" | "loading" | "paused" | "ready" | "failed";
  /** Its name for users. */
  name: string;
  source: ModelSource | undefined;
  progress: LoadProgress | undefined;
  /** Download speed. */
  bytesPerSecond: number;
  model: Model | undefined;
  info: ModelInfo | undefined;
  problem: Problem | undefined;
  /** Whether the browser stores it for the next visit, if there is space. */
  kept: boolean;
  /** Another tab is using the GPU. */
  waiting: boolean;
}

export interface PictureItem {
  id: number;
  name: string;
  blob: Blob;
  /** An object URL of `blob`. */
  url: string;
  width: number;
  height: number;
  /** The scene of a picture from the scene builder, for changes. */
  scene?: Scene;
}

export interface Turn {
  id: number;
  /** Ids of the turns before it, in order. A question may be asked again, so turns form a tree. */
  follows: readonly number[];
  question: string;
  pictures: readonly PictureItem[];
  /** One, or two to compare. */
  answers: readonly Answer[];
}

export interface Answer {
  label: string;
  settings: Settings;
  status: "waiting" | "running" | "done";
  /** The GPU was lost; the answer continues once the model is loaded again. */
  recovering: boolean;
  text: string;
  /** The reason of its end. */
  reason: "stop" | "length" | "abort" | undefined;
  /** All pictures of the conversation, in order. */
  images: readonly (SeenImage & { picture: PictureItem })[];
  attention: AnswerAttention | undefined;
  stats: GenerationStats | undefined;
  classes: ImageFeatures["classes"];
  problem: Problem | undefined;
}

/** Whether an answer ended without anything to go on from. */
export function isFailed({ status, problem, text, classes }: Answer): boolean {
  return status === "done" && (problem !== undefined || (text === "" && !classes));
}

/** A turn and the turns before it, in order; empty for an unknown id. */
export function turnsUntil(turns: readonly Turn[], id: number): Turn[] {
  const last = turns.find((turn) => turn.id === id);
  return last ? turns.filter((turn) => turn === last || last.follows.includes(turn.id)) : [];
}

/** The choices of the picture panel. */
export interface View {
  /** A picture of the draft, or of an answer. */
  of: { draft: number } | { turn: number; answer: number; image: number };
  /** Which layer of a picture's views is shown: 0 is the finest. */
  tiles: number;
  /** 0 is the picture as it enters; -1 the last stage, whatever its number. */
  stage: number;
  layer: number | "all";
  /** The selected words. */
  words: TextRange | undefined;
  /** Whether `words` stay when the pointer leaves. */
  pinned: boolean;
}

export const FIRST_VIEW: View = {
  of: { draft: 0 },
  tiles: 0,
  stage: -1,
  layer: "all",
  words: undefined,
  pinned: false,
};

export function initialState(): PageState {
  return {
    model: {
      ...{ phase: "none", name: "", source: undefined, progress: undefined, bytesPerSecond: 0 },
      ...{ model: undefined, info: undefined, problem: undefined, kept: false, waiting: false },
    },
    question: "",
    draft: [],
    turns: [],
    settings: PLAIN_SETTINGS,
    defaults: PLAIN_SETTINGS,
    compare: false,
    busy: false,
    view: FIRST_VIEW,
    offline: "unknown",
    notice: "",
  };
}
