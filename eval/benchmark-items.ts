/** A benchmark's questions under every setting, in the order of asking. */
import type { BenchmarkPicture, BenchmarkQuestion } from "./benchmarks/benchmark.ts";
import { groupBy } from "./group.ts";
import type { Asking } from "./interview.ts";
import type { Setting } from "./settings.ts";

/** Units that are asked under all settings before the next ones, so that a stopped run still compares equal sets. */
const ROUND_UNITS = 50;

/** A question with its picture. */
export interface AskedQuestion extends Omit<BenchmarkQuestion, "picture"> {
  picture: BenchmarkPicture;
}

export interface BenchmarkItem extends Asking {
  question: AskedQuestion;
  picture: BenchmarkPicture;
}

/**
 * At most `limit` units, spread evenly over the benchmark, with their pictures. Throws an Error of one line for a
 * missing picture, and for an id that occurs twice.
 */
export function chooseQuestions(
  questions: readonly BenchmarkQuestion[],
  limit = Number.POSITIVE_INFINITY,
): AskedQuestion[] {
  const seen = new Set<string>();
  for (const { id } of questions) {
    if (seen.has(id)) throw new Error(`question ${id} occurs twice; pass the files of one set as --data`);
    seen.add(id);
  }
  const units = [...groupBy(questions, ({ unit }) => unit).values()];
  const count = Math.min(limit, units.length);
  const chosen = Array.from({ length: count }, (_, i) => units[Math.floor((i * units.length) / count)]!);
  return chosen.flat().map((question) => ({ ...question, picture: question.picture() }));
}

/** All items, in rounds. Questions on one picture follow each other under a setting. */
export function benchmarkItems(questions: readonly AskedQuestion[], settings: readonly Setting[]): BenchmarkItem[] {
  const units = [...groupBy(questions, ({ unit }) => unit).values()];
  const rounds = Array.from({ length: Math.ceil(units.length / ROUND_UNITS) }, (_, i) =>
    units.slice(i * ROUND_UNITS, (i + 1) * ROUND_UNITS).flat(),
  );
  return rounds.flatMap((round) => {
    const byPicture = [...groupBy(round, ({ picture }) => picture.hash).values()].flat();
    return settings.flatMap((setting) =>
      byPicture.map((question) => ({ setting, question, picture: question.picture })),
    );
  });
}
