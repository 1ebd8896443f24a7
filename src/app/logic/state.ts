/** The page's state: its types and its initial value. The conversation is the element's. */
import type { GenerationStats, LoadProgress, ModelInfo, SmallCopy, SmallCopyProgress } from "../../api.ts";
import type { ChatTurn } from "../../element/fovea-chat.ts";
import type { TextRange } from "../../element/words.ts";
import type { Problem } from "./problem.ts";
import { PLAIN_SETTINGS, type Settings } from "./settings.ts";
import type { Store } from "./store.ts";

export interface PageState {
  model: ModelState;
  turns: readonly ChatTurn[];
  settings: Settings;
  /** The settings that the loaded model recommends; of the last one while another loads. */
  defaults: Settings;
  view: View;
  /** True if the inspector is open. */
  isInspecting: boolean;
  comparison: Comparison | undefined;
  /** The small copy that is being made, or was made last. */
  copy: CopyState | undefined;
  offline: "unknown" | "ready" | "update";
  /** Something that the user should know, such as a model that is not stored. */
  notice: string;
}

export type PageStore = Store<PageState>;

export interface ModelState {
  /** The element's `model`; "" for none. */
  source: string;
  /** Its name for users. */
  name: string;
  progress: LoadProgress | undefined;
  /** Undefined until it is loaded. */
  info: ModelInfo | undefined;
  /** True if its load failed. */
  hasFailed: boolean;
  /** True if the browser stores it for the next visit. */
  isKept: boolean;
  /** A small copy that the next visit loads in its place. */
  copy?: string | undefined;
}

/** A picture of the conversation, for drawing. */
export interface PictureItem {
  name: string;
  /** An address of its bytes. */
  url: string;
  width: number;
  height: number;
}

/** The choices of the inspector. */
export interface View {
  /** Id of the turn whose shown answer is inspected; undefined for the last one. */
  turn: number | undefined;
  /** Index among all pictures up to that turn; -1 is the last one. */
  image: number;
  mode: "picture" | "tokens" | "gaze";
  /** Which layer of a picture's views is shown: 0 is the finest. */
  tiles: number;
  /** 0 is the picture as it enters; -1 the last stage, whatever its number. */
  stage: number;
  layer: number | "all";
  /** The words that the user points at. */
  words: TextRange | undefined;
}

export const FIRST_VIEW: View = {
  turn: undefined,
  image: -1,
  mode: "tokens",
  tiles: 0,
  stage: -1,
  layer: "all",
  words: undefined,
};

/** A small copy of a model that is being made, or was made last; `name` is the model's. */
export type CopyState = { name: string } & (
  | { state: "running"; progress: SmallCopyProgress | undefined }
  | { state: "done"; result: SmallCopy; isOriginalStored: boolean }
  | { state: "failed"; problem: Problem }
);

/** One of two answers that are compared. */
export interface Side {
  label: string;
  text: string;
  stats: GenerationStats;
}

/** The last question asked with and without compression and inhibition, both times with a warm GPU. */
export interface Comparison {
  state: "running" | "done" | "failed";
  /** The running work, or why it failed. */
  text: string;
  sides: readonly Side[];
}

export function initialState(): PageState {
  return {
    model: { source: "", name: "", progress: undefined, info: undefined, hasFailed: false, isKept: false },
    turns: [],
    settings: PLAIN_SETTINGS,
    defaults: PLAIN_SETTINGS,
    view: FIRST_VIEW,
    isInspecting: false,
    comparison: undefined,
    copy: undefined,
    offline: "unknown",
    notice: "",
  };
}
