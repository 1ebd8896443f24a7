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
 * All items of the chosen settings. They come in rounds of so many pictures, each round with every setting in turn, so that
 * a run that is cut short has asked all of them about nearly the same; the first round has all that ablations are asked. The
 * questions on one picture follow each other: the engine encodes it once. `limit` is the largest number of pictures per
 * setting and set.
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

/** On pictures from `start` to `end`, the latter excluded. */
function itemsOf(setting: Setting, set: QuestionSet, start: number, end: number): Item[] {
  return set.pictures
    .slice(start, end)
    .flatMap((picture) => picture.questions.map((question) => ({ setting, set, picture, question })));
}
