/** Plans the items: every pair of a setting and a question, in the order of asking. Asks nothing itself. */
import type { Picture, Question, QuestionSet } from "./set.ts";
import { PAPER, PLAIN, type Setting } from "./settings.ts";

/**
 * Number of pictures for ablations: always the first ones, so that settings can be compared in pairs. A question takes
 * about 0.4 s on a software adapter with two cores; with twenty, ablations take half an hour.
 */
export const ABLATION_PICTURES = 20;

/** Settings for the pictures made by hand. */
const BY_HAND_SETTINGS = [PLAIN, PAPER];

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
 * All items of the chosen settings. They come in rounds of pictures, each with every setting in turn, so that an
 * interrupted run has asked all settings about nearly the same pictures. The first round has all pictures of ablations.
 * Questions on one picture follow each other, so that the engine encodes it once. `limit` is the largest number of
 * pictures per setting and set.
 */
export function planItems(
  settings: readonly Setting[],
  { drawn, byHand }: Sets,
  limit = Number.POSITIVE_INFINITY,
): Item[] {
  const rounds = Math.ceil(Math.max(drawn.pictures.length, byHand.pictures.length) / ABLATION_PICTURES);
  return Array.from({ length: rounds }, (_, round) => round * ABLATION_PICTURES).flatMap((start) =>
    settings.flatMap((setting) => {
      const end = Math.min(limit, start + ABLATION_PICTURES);
      return [
        ...(setting.group === "main" || start === 0 ? itemsOf(setting, drawn, start, end) : []),
        ...(BY_HAND_SETTINGS.includes(setting.id) ? itemsOf(setting, byHand, start, end) : []),
      ];
    }),
  );
}

/** Items on the pictures [start, end). */
function itemsOf(setting: Setting, set: QuestionSet, start: number, end: number): Item[] {
  return set.pictures
    .slice(start, end)
    .flatMap((picture) => picture.questions.map((question) => ({ setting, set, picture, question })));
}
