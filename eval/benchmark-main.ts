/** `npm run eval -- --benchmark` and `--sweep`: reads the data, asks the open questions, and writes the report. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ModelInfo } from "../src/api.ts";
import { root } from "../tools/library.mjs";
import { type AnsweringPage, askAll } from "./ask-all.ts";
import { type AskedQuestion, type BenchmarkItem, benchmarkItems, chooseQuestions } from "./benchmark-items.ts";
import type { BenchmarkOptions } from "./benchmark-options.mjs";
import { writeBenchmarkReport } from "./benchmark-report.ts";
import { resultsOf } from "./benchmark-results.ts";
import type { Benchmark, BenchmarkQuestion } from "./benchmarks/benchmark.ts";
import { DataFolder } from "./benchmarks/data-folder.ts";
import { findBenchmark, readShipped, SHIPPED } from "./benchmarks/registry.ts";
import { ModelPage, type OpenOptions, pictureAddress } from "./browser.ts";
import { Interview, knownAnswer } from "./interview.ts";
import { Journal } from "./journal.ts";
import { readInfo, writeInfo } from "./model-info.ts";
import { findModel, type ModelSource } from "./model-source.ts";
import type { EvalOptions } from "./options.mjs";
import { chooseSettings, type Setting, settingsFor } from "./settings.ts";
import { type SweepSetting, sweepSettings } from "./sweep/sweep-settings.ts";

/** The command's options, with those of a benchmark. */
export type BenchmarkRun = EvalOptions & { benchmark: BenchmarkOptions };

/**
 * @param ensureLibrary builds the library unless it is that of the sources
 * @param openPage opens the answering page; tests replace it
 * @returns the exit code. Throws an Error of one line on failure.
 */
export async function benchmarkMain(
  options: BenchmarkRun,
  args: readonly string[],
  ensureLibrary: () => Promise<void>,
  openPage: (options: OpenOptions) => Promise<AnsweringPage> = ModelPage.open,
): Promise<number> {
  const { name, data, sweep } = options.benchmark;
  // Checks names before anything is read or loaded; names of settings do not depend on the model.
  settingsOf(options, 0);
  const { benchmark, questions: all } = await readQuestions(options.benchmark);
  const questions = chooseQuestions(all, options.limit);
  const model = await modelOf(options);
  const out = options.out ?? `${root}eval/out/${name}`;
  const answers = join(out, "answers.jsonl");
  if (options.fresh) rmSync(answers, { force: true });
  const work: Work = { options, benchmark, questions, model, journal: new Journal(answers), openPage };
  const about = join(out, "model.json");
  if (!options.reportOnly) {
    const known = readInfo(about, model);
    if (!known || openItems(work, known).length > 0) {
      await ensureLibrary();
      if (!(await ask(work, (info) => writeInfo(about, model, info)))) return 130;
    }
  }
  const info = readInfo(about, model);
  if (!info) throw new Error(`--report: no stored answers of this model (${about}); run without --report first`);
  const settings = settingsOf(options, info.imageTokens);
  const results = resultsOf(benchmark, questions, settings, { journal: work.journal, model: model.hash });
  if (results.length === 0)
    throw new Error("--report: none of these questions has an answer yet; run without --report first");
  const written = writeBenchmarkReport({
    out,
    file: sweep ? "sweep" : "report",
    benchmark,
    data: data ?? "eval/set",
    questions,
    total: all.length,
    model,
    info,
    results,
    curveOf: ({ method, title }) => method ?? title,
    args,
  });
  process.stdout.write(`${written.summary}\n${written.files.join("\n")}\n`);
  return 0;
}

interface Work {
  options: BenchmarkRun;
  benchmark: Benchmark;
  questions: readonly AskedQuestion[];
  model: ModelSource;
  journal: Journal;
  openPage: (options: OpenOptions) => Promise<AnsweringPage>;
}

async function readQuestions(
  options: BenchmarkOptions,
): Promise<{ benchmark: Benchmark; questions: BenchmarkQuestion[] }> {
  const { name, data, images, match, ocr, suffix, maxTokens } = options;
  const found = name === SHIPPED ? readShipped(`${root}eval/set`) : findBenchmark(name, match);
  const benchmark = { ...found, maxTokens: maxTokens ?? found.maxTokens };
  const folder = new DataFolder(data ?? `${root}eval/set`, images);
  const questions = await benchmark.read(folder, { ocr, suffix });
  if (questions.length === 0) throw new Error(`--data ${data}: no questions; pass the benchmark's folder`);
  return { benchmark, questions };
}

/** @param imageTokens of the model; 0 while it is unknown, to check names only */
function settingsOf(options: BenchmarkRun, imageTokens: number): (Setting & Partial<SweepSetting>)[] {
  const { sweep, server } = options.benchmark;
  if (sweep) return sweepSettings(sweep, imageTokens);
  const chosen = chooseSettings(settingsFor(Math.max(1, imageTokens)), options.settings);
  const reduced = chosen.find((setting) => setting.compression.method !== "none" || setting.inhibition.maxRatio > 0);
  if (server !== undefined && reduced)
    throw new Error(`--settings ${reduced.id}: a server neither compresses nor inhibits; use --settings full`);
  return chosen;
}

function modelOf({ model, weights, benchmark: { server } }: BenchmarkRun): Promise<ModelSource> | ModelSource {
  if (server === undefined) return findModel(model, weights);
  const hash = createHash("sha256").update(`${server} ${model}`).digest("hex");
  return { name: `${model} at ${server}`, hash, folder: undefined, address: model, weights };
}

/** The items without a stored answer. */
function openItems(
  { options, benchmark, questions, model, journal }: Work,
  { imageTokens }: ModelInfo,
): BenchmarkItem[] {
  const items = benchmarkItems(questions, settingsOf(options, imageTokens));
  return items.filter((item) => !knownAnswer(journal, model.hash, item, benchmark.maxTokens));
}

/** @returns true if all questions were asked without an interruption */
function ask(work: Work, note: (info: ModelInfo) => void): Promise<boolean> {
  const { options, benchmark, questions, model, journal, openPage } = work;
  const { server } = options.benchmark;
  const pictures = new Map(questions.map(({ picture }) => [picture.hash, picture]));
  const read = (hash: string) => pictures.get(hash)?.read() ?? Promise.reject(new Error(`no picture ${hash}`));
  const key = process.env.FOVEA_API_KEY;
  const remote = server === undefined ? {} : { server: { baseURL: server, apiKey: key } };
  return askAll<BenchmarkItem>({
    openPage: () => openPage({ ...model, ...remote, pictures: { benchmark: read } }),
    browsers: options.browsers,
    note,
    openItems: (info) => openItems(work, info),
    groupOf: ({ setting, picture }) => `${setting.id} ${picture.hash}`,
    interviewOf: (page) =>
      new Interview<BenchmarkItem>({
        respondent: page,
        journal,
        model: model.hash,
        library: page.library,
        adapter: page.info.adapter,
        addressOf: ({ picture }) => pictureAddress("benchmark", picture.hash),
        maxTokens: benchmark.maxTokens,
      }),
  });
}
