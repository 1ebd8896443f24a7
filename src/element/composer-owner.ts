/** The state that the composer shows, and the calls that it makes. Types only. */
import type { ChatPicture } from "./pictures.ts";
import type { CountQuestion } from "./token-line.ts";

/** The state that the composer shows. */
export interface ComposerLook {
  placeholder: string;
  /** True if an answer or a load is running that can be stopped. */
  isBusy: boolean;
  /** True if the model takes pictures. */
  takesPictures: boolean;
  /** Pictures that the model keeps apart. */
  maxPictures: number;
  /** The server that questions and pictures are sent to; undefined if they stay in the browser. */
  host: string | undefined;
  /** True if the question must have a picture. */
  needsPicture: boolean;
}

/** Receives the composer's events. */
export interface ComposerOwner {
  /** The user asked a question. */
  onQuestion(question: string, pictures: readonly ChatPicture[]): void;
  /** The user stopped the running answer. */
  onStop(): void;
  /** The user gave the files of a model. */
  onModel(files: readonly File[]): void;
  /** Tokens of the conversation with this question. */
  count: CountQuestion<ChatPicture>;
}
