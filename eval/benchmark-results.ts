/** The answers to a benchmark, scored by setting and compared in pairs. */

import type { AskedQuestion } from "./benchmark-items.ts";
import type { Benchmark } from "./benchmarks/benchmark.ts";
import { groupBy } from "./group.ts";
import { knownAnswer } from "./interview.ts";
import type { AnswerRecord, Journal } from "./journal.ts";
import type { Score, Unit } from "./scorers/scoring.ts";
import type { Setting } from "./settings.ts";
import { type Estimate, mcnemar, pairedDifference } from "./statistics.ts";

export interface SettingResult<One extends Setting = Setting> {
  setting: One;
  score: Score;
  records: AnswerRecord[];
  /** Means over the answers. */
  imageTokens: number;
  milliseconds: number;
  /** Standard error of the mean time. */
  millisecondsError: number;
  /** Answers that were cut off at the longest length. */
  cut: number;
}

export interface Comparison {
  setting: string;
  against: string;
  /** Mean difference of a unit, from -1 to 1. */
  gain: Estimate;
  /** Units that scored higher, and lower. */
  better: number;
  worse: number;
  /** The p-value of McNemar's exact test. */
  p: number;
}

/** Scores the journal's answers. Incomplete units, and settings without units, are left out. */
export function resultsOf<One extends Setting>(
  benchmark: Pick<Benchmark, "score" | "maxTokens">,
  questions: readonly AskedQuestion[],
  settings: readonly One[],
  { journal, model }: { journal: Journal; model: string },
): SettingResult<One>[] {
  const units = [...groupBy(questions, ({ unit }) => unit).values()];
  return settings.flatMap((setting) => {
    const answered = units.flatMap((unit) => {
      const known = unit.map((question) => {
        const record = knownAnswer(
          journal,
          model,
          { setting, question, picture: question.picture },
          benchmark.maxTokens,
        );
        return record && { question, record };
      });
      return known.every((one) => one !== undefined) ? known : [];
    });
    if (answered.length === 0) return [];
    const records = answered.map(({ record }) => record);
    const score = benchmark.score(
      answered.map(({ question: { picture, ...question }, record }) => ({
        ...question,
        cluster: picture.hash,
        answer: record.answer,
      })),
    );
    const mean = (of: (record: AnswerRecord) => number) =>
      records.reduce((sum, one) => sum + of(one), 0) / records.length;
    const milliseconds = mean((record) => record.milliseconds);
    const variance = mean((record) => (record.milliseconds - milliseconds) ** 2) / Math.max(1, records.length - 1);
    return [
      {
        setting,
        score,
        records,
        imageTokens: mean((record) => record.imageTokens),
        milliseconds,
        millisecondsError: Math.sqrt(variance),
        cut: records.filter(({ reason }) => reason === "length").length,
      },
    ];
  });
}

/** Compares unit by unit, over the units of both settings. */
export function compare(one: SettingResult, against: SettingResult): Comparison {
  const samples = (units: readonly Unit[]) => new Map(units.map(({ id, cluster, value }) => [id, { cluster, value }]));
  const [a, b] = [samples(one.score.units), samples(against.score.units)];
  const differences = [...a].flatMap(([id, { value }]) => (b.has(id) ? [value - b.get(id)!.value] : []));
  const better = differences.filter((difference) => difference > 0).length;
  const worse = differences.filter((difference) => difference < 0).length;
  const gain = pairedDifference(a, b);
  return { setting: one.setting.id, against: against.setting.id, gain, better, worse, p: mcnemar(better, worse) };
}
