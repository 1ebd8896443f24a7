/** Runs a made-up benchmark with a stand-in for the model. Node only. */
import { join } from "node:path";
import { expect } from "vitest";
import { type BenchmarkItem, benchmarkItems, chooseQuestions } from "../../eval/benchmark-items.ts";
import { resultsOf } from "../../eval/benchmark-results.ts";
import { findBenchmark } from "../../eval/benchmarks/registry.ts";
import { Interview } from "../../eval/interview.ts";
import { Journal } from "../../eval/journal.ts";
import type { Setting } from "../../eval/settings.ts";
import { LAYOUTS } from "./benchmark-data.ts";
import { pictures, readBenchmark } from "./read-benchmark.ts";

/** Asks all of a benchmark's questions; `knows` says which are answered rightly. */
export async function runBenchmark<One extends Setting>(
  name: string,
  settings: One[],
  knows: (item: BenchmarkItem) => boolean,
  out: string,
  tokensOf = (_: Setting) => 64,
) {
  const folder = join(out, "data");
  LAYOUTS[name]!.files(folder, pictures);
  const benchmark = findBenchmark(name);
  const questions = chooseQuestions(await readBenchmark(name, folder));
  const journal = new Journal(join(out, "answers.jsonl"));
  let now: BenchmarkItem;
  let asked = 0;
  const ask = async ({ maxTokens }: { maxTokens: number }) => {
    asked++;
    expect(maxTokens).toBe(benchmark.maxTokens);
    const text = knows(now) ? now.question.expected[0]! : "not that";
    const imageTokensAfter = tokensOf(now.setting);
    return { text, reason: "stop" as const, stats: { newTokens: 1, imageTokensAfter, totalMs: 10 * imageTokensAfter } };
  };
  const interview = new Interview<BenchmarkItem>({
    respondent: { ask },
    journal,
    model: "m",
    library: "lib",
    adapter: "none",
    addressOf: ({ picture }) => picture.hash,
    maxTokens: benchmark.maxTokens,
  });
  for (now of benchmarkItems(questions, settings)) await interview.answer(now);
  const results = resultsOf(benchmark, questions, settings, { journal, model: "m" });
  return { benchmark, questions, results, journal, folder, asked: () => asked };
}
