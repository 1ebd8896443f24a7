/**
 * MME: two yes-no questions a picture. A task scores its accuracy plus the share of pictures with both answers right,
 * in percent, so at most 200. Perception has ten tasks, cognition four.
 */
import { groupBy } from "../group.ts";
import { estimate } from "../statistics.ts";
import { type Answered, type Figure, figure, percentOf, type Score, type Unit } from "./scoring.ts";

export const PERCEPTION = [
  "existence",
  "count",
  "position",
  "color",
  "posters",
  "celebrity",
  "scene",
  "landmark",
  "artwork",
  "OCR",
];
export const COGNITION = ["commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning"];
const TASK_MOST = 200;

/** As MME's calculation.py reads an answer: the whole, or its first four letters. */
export function saidYesOrNo(answer: string): "yes" | "no" | "other" {
  const start = answer.trim().toLowerCase().slice(0, 4);
  if (start.includes("yes")) return "yes";
  return start.includes("no") ? "no" : "other";
}

/** The sum of perception first. Sums are over the asked tasks; `most` reflects their number. */
export function yesNoPairs(answered: readonly Answered[]): Score {
  const units: Unit[] = answered.map(({ id, cluster, category, answer, expected }) => ({
    id,
    cluster,
    category,
    value: Number(saidYesOrNo(answer) === expected[0]!.toLowerCase()),
  }));
  const tasks = groupBy(units, ({ category }) => category);
  const scores = [...tasks].map(([task, own]) => taskScore(task, own));
  const sum = (name: string, among: string[]) =>
    sumOf(
      name,
      scores.filter((score) => among.includes(score.name)),
    );
  const sums = [sum("perception", PERCEPTION), sum("cognition", COGNITION)].filter(({ count }) => count > 0);
  return { units, figures: [...sums, percentOf("accuracy of questions", units)], parts: scores };
}

function taskScore(name: string, units: readonly Unit[]): Figure {
  const pictures = [...groupBy(units, ({ cluster }) => cluster)].map(([cluster, pair]) => {
    const right = pair.reduce((total, { value }) => total + value, 0) / pair.length;
    return { cluster, value: right + Number(right === 1) };
  });
  const { mean, error } = estimate(pictures);
  return figure(name, 100 * mean, TASK_MOST, units.length, 100 * error);
}

/** Tasks share no pictures, so variances add up. */
function sumOf(name: string, scores: readonly Figure[]): Figure {
  const total = scores.reduce((sum, { value }) => sum + value, 0);
  const variance = scores.reduce((sum, { error = Number.NaN }) => sum + error ** 2, 0);
  const count = scores.reduce((sum, score) => sum + score.count, 0);
  return figure(name, total, TASK_MOST * scores.length, count, Math.sqrt(variance));
}
