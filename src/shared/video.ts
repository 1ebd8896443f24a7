/** Videos as pictures: what callers give, and how a model was trained to read them. Types only. */
import type { PictureBudget } from "./picture.ts";

/** A file (MP4, MOV, WebM, Matroska), or the address of one. */
export type VideoInput = Blob | string | URL;

/** How pictures of a video are taken, and the text between them. Pure. */
export interface VideoRule {
  /** Without it, pictures stand evenly, and a long video has as many as a short one. */
  framesPerSecond?: number;
  /** Pictures at most, 1 to 64. */
  maxFrames: number;
  /** Limits on what each of so many pictures may cost, where the request has none of its own. */
  budget?(frames: number): PictureBudget;
  /** Text before the first picture. @param seconds of the video */
  intro?(frames: number, seconds: number): string;
  /** Text before each picture, such as a time stamp. @param frame from 0. @param seconds from the start of the video */
  stamp?(frame: number, seconds: number): string;
  /** Text after the last picture. */
  outro?: string;
}
