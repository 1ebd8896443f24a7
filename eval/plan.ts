/** Who is asked what: every pair of a setting and a question, in the order in which they are asked. Asks nothing itself. */
import type { Picture, Question, QuestionSet } from "./set.ts";
import { PAPER, PLAIN, type Setting } from "./settings.ts";

/**
 * Pictures of the set that ablations are asked about: always the first ones, so that settings can be compared in pairs. A
 * question takes about 0.4 s on a software adapter with two cores; with twenty, ablations take half an hour.
 */
export const ABLATION_PICTURES = 20;

/** Settings under which the pictures made by hand are asked. */
export const BY_HAND_SETTINGS = [PLAIN, PAPER];

export interface Item {
  setting: Setting;
  set: QuestionSet;
  picture: Picture;
  question: Question;
}

export interface Sets {
  drawn: QuestionSet;
  byHand: QuestionSet;
}

/**
 * All items of the chosen settings. The questions on one picture follow each other, so that the engine encodes it once.
 * `limit` is the largest number of pictures per setting and set.
 */
export function planItems(
  settings: readonly Setting[],
  { drawn, byHand }: Sets,
  limit = Number.POSITIVE_INFINITY,
): Item[] {
  return settings.flatMap((setting) => {
    const wanted = setting.group === "main" ? drawn.pictures.length : ABLATION_PICTURES;
    return [
      ...itemsOf(setting, drawn, Math.min(limit, wanted)),
      ...(BY_HAND_SETTINGS.includes(setting.id) ? itemsOf(setting, byHand, limit) : []),
    ];
  });
}

function itemsOf(setting: Setting, set: QuestionSet, pictures: number): Item[] {
  return set.pictures
    .slice(0, pictures)
    .flatMap((picture) => picture.questions.map((question) => ({ setting, set, picture, question })));
}
