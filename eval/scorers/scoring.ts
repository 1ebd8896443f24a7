/** The input and output of every scorer, and the figures that most of them share. */
import { groupBy } from "../group.ts";
import { estimate, proportion } from "../statistics.ts";

/** One question with the model's answer. */
export interface Answered {
  id: string;
  /** Questions of one unit are judged together: the rotations of a multiple choice, the two questions on a picture. */
  unit: string;
  /** The picture. Answers on one picture are not independent of each other. */
  cluster: string;
  /** Part of the benchmark, or "". */
  category: string;
  /** Right answers in the benchmark's file. */
  expected: readonly string[];
  /** Letter -> text, for a multiple choice. */
  options?: Readonly<Record<string, string>>;
  answer: string;
}

/** The score of one unit: the sample for errors and paired comparisons. */
export interface Unit {
  id: string;
  cluster: string;
  category: string;
  /** From 0 to 1. */
  value: number;
}

export interface Figure {
  name: string;
  /** The value of the benchmark's own script, between 0 and `most`. */
  value: number;
  most: number;
  /** Standard error, if known. */
  error?: number;
  /** Answers, or units. */
  count: number;
}

export interface Score {
  units: Unit[];
  /** The benchmark's own figure first. */
  figures: Figure[];
  /** The same for the benchmark's parts; empty if there is only one. */
  parts: Figure[];
}

export type Scorer = (answered: readonly Answered[]) => Score;

/** Mean of the units' values in percent, with its standard error. */
export function percentOf(name: string, units: readonly Unit[]): Figure {
  const samples = units.map(({ cluster, value }) => ({ cluster, value }));
  const isShare = units.every(({ value }) => value === 0 || value === 1);
  const { mean, error, count } = isShare ? proportion(samples) : estimate(samples);
  return figure(name, 100 * mean, 100, count, 100 * error);
}

/** The mean, and the mean of every category if there are several. */
export function withCategories(name: string, units: Unit[]): Score {
  const categories = groupBy(units, ({ category }) => category);
  const parts = [...categories].map(([category, own]) => percentOf(category || "other", own));
  return { units, figures: [percentOf(name, units)], parts: parts.length > 1 ? parts : [] };
}

/** A scorer whose questions are judged one by one. */
export function oneByOne(name: string, rate: (answered: Answered) => number): Scorer {
  return (answered) =>
    withCategories(
      name,
      answered.map((one) => ({ id: one.id, cluster: one.cluster, category: one.category, value: rate(one) })),
    );
}

/**
 * A figure of a score.
 *
 * @param most the largest possible value
 * @param count of answers
 * @param error NaN without one
 */
export function figure(name: string, value: number, most: number, count: number, error = Number.NaN): Figure {
  return { name, value, most, count, ...(Number.isNaN(error) ? {} : { error }) };
}
