/** A benchmark from its files to its report, with a stand-in for the model. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BenchmarkItem, benchmarkItems, chooseQuestions } from "../../../eval/benchmark-items.ts";
import { writeBenchmarkReport } from "../../../eval/benchmark-report.ts";
import { compare, resultsOf, type SettingResult } from "../../../eval/benchmark-results.ts";
import type { BenchmarkQuestion } from "../../../eval/benchmarks/benchmark.ts";
import { DataFolder } from "../../../eval/benchmarks/data-folder.ts";
import { findBenchmark, readShipped } from "../../../eval/benchmarks/registry.ts";
import { Interview } from "../../../eval/interview.ts";
import { Journal } from "../../../eval/journal.ts";
import { chooseSettings, type Setting, settingsFor } from "../../../eval/settings.ts";
import { METHODS } from "../../../eval/sweep/methods.ts";
import { type SweepOptions, type SweepSetting, sweepSettings } from "../../../eval/sweep/sweep-settings.ts";
import type { ModelInfo } from "../../../src/api.ts";
import { LAYOUTS, type Pictures } from "../../support/benchmark-data.ts";
import { projectRoot } from "../../support/command.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmark-run-"));
afterAll(() => rmSync(root, { recursive: true }));
const pictures: Pictures = [0, 1, 2].map((i) => new Uint8Array(80).fill(200 + i)) as never;
const OPTIONS = { ocr: false, suffix: undefined };
const info = { parameters: 5, imageTokens: 64, adapter: "none" } as ModelInfo;
const model = { name: "made-up", hash: "m", folder: undefined, address: undefined, weights: "auto" as const };

function question(id: string, unit = id, file = id): BenchmarkQuestion {
  const read = async () => new Uint8Array();
  return { id, unit, category: "", prompt: `${id}?`, expected: ["yes"], picture: () => ({ file, hash: file, read }) };
}

describe("chosen questions", () => {
  test("are spread evenly, and whole units", () => {
    const all = ["a", "b", "c", "d", "e", "f"].flatMap((unit) => [
      question(`${unit}1`, unit),
      question(`${unit}2`, unit),
    ]);
    expect(chooseQuestions(all, 3).map(({ id }) => id)).toEqual(["a1", "a2", "c1", "c2", "e1", "e2"]);
    expect(chooseQuestions(all).length).toBe(12);
    expect(chooseQuestions(all, 100).length).toBe(12);
  });

  test("with an id that occurs twice are refused", () => {
    expect(() => chooseQuestions([question("a"), question("a")])).toThrow(
      "question a occurs twice; pass the files of one",
    );
  });

  test("are asked in rounds under all settings, picture by picture", () => {
    const settings = settingsFor(64).slice(0, 2);
    const questions = chooseQuestions(
      Array.from({ length: 51 }, (_, i) => question(`${i}`, `${i}`, i % 2 === 0 ? "even" : "odd")),
    );
    const items = benchmarkItems(questions, settings);
    expect(items.length).toBe(102);
    const runs = items
      .map(({ setting, picture }) => `${setting.id} ${picture.file}`)
      .filter((one, i, all) => one !== all[i - 1]);
    expect(runs).toEqual(["full even", "full odd", "full+cmai even", "full+cmai odd", "full even", "full+cmai even"]);
  });
});

/** Asks all of a benchmark's questions; `knows` says which are answered rightly. */
async function run<One extends Setting>(
  name: string,
  settings: One[],
  knows: (item: BenchmarkItem) => boolean,
  out: string,
  tokensOf = (_: Setting) => 64,
) {
  const folder = join(root, name);
  LAYOUTS[name]!.files(folder, pictures);
  const benchmark = findBenchmark(name);
  const questions = chooseQuestions(await benchmark.read(new DataFolder(folder), OPTIONS));
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

const chosen = (...ids: string[]) => chooseSettings(settingsFor(64), ids);

describe("a run", () => {
  test("scores each benchmark from its own answers", async () => {
    const headline = async (name: string, knows: (item: BenchmarkItem) => boolean) => {
      const { results } = await run(name, chosen("full"), knows, join(root, `${name} ${knows}`));
      const { value, most } = results[0]!.score.figures[0]!;
      return [value, most];
    };
    expect(await headline("gqa", () => true)).toEqual([100, 100]);
    expect(await headline("gqa", () => false)).toEqual([0, 100]);
    // Three, four and five of ten annotators.
    const [accuracy] = await headline("vqav2", () => true);
    expect(accuracy).toBeCloseTo(100 * ((0.9 + 1 + 1) / 3), 9);
    expect(await headline("mme", () => true)).toEqual([400, 400]);
    expect(await headline("mmbench", () => true)).toEqual([100, 100]);
    expect(await headline("pope", () => true)).toEqual([100, 100]);
    expect(await headline("folder", () => true)).toEqual([100, 100]);
  });

  test("asks nothing twice, and leaves out units that were not asked in full", async () => {
    const out = join(root, "resumed");
    const { benchmark, questions, journal, asked } = await run("mmbench", chosen("full"), () => true, out);
    expect(asked()).toBe(5);
    const again = await run("mmbench", chosen("full"), () => true, out);
    expect(again.asked()).toBe(0);
    // The journal of a run that stopped after four answers: the last question lacks a rotation.
    const stopped = new Journal(join(out, "stopped.jsonl"));
    const lines = readFileSync(join(out, "answers.jsonl"), "utf8").trim().split("\n");
    for (const line of lines.slice(0, 4)) stopped.add(JSON.parse(line));
    const some = resultsOf(benchmark, questions, chosen("full"), { journal: stopped, model: "m" });
    expect(some[0]!.score.units.map(({ id }) => id)).toEqual(["241"]);
    expect(resultsOf(benchmark, questions, chosen("full"), { journal, model: "another" })).toEqual([]);
  });

  test("asks anew where answers may be longer", async () => {
    const out = join(root, "longer");
    const { benchmark, questions, journal } = await run("gqa", chosen("full"), () => true, out);
    const longer = { ...benchmark, maxTokens: benchmark.maxTokens + 1 };
    expect(resultsOf(longer, questions, chosen("full"), { journal, model: "m" })).toEqual([]);
  });
});

describe("two settings", () => {
  const result = (id: string, values: number[]): SettingResult => ({
    setting: chosen(id)[0]!,
    score: {
      units: values.map((value, i) => ({ id: `${i}`, cluster: `${i}`, category: "", value })),
      figures: [],
      parts: [],
    },
    records: [],
    imageTokens: 0,
    milliseconds: 0,
    millisecondsError: 0,
    cut: 0,
  });

  test("are compared question by question", () => {
    // Three rose, one fell, one stayed; a tenth of VQA's accuracy is a rise too.
    const found = compare(result("vmtc-50", [1, 1, 0.4, 0, 1]), result("full", [0, 0, 0.3, 1, 1]));
    expect(found).toMatchObject({ setting: "vmtc-50", against: "full", better: 3, worse: 1 });
    expect(found.gain.mean).toBeCloseTo((1 + 1 + 0.1 - 1) / 5, 12);
    // 2 (C(4,0) + C(4,1)) / 2^4.
    expect(found.p).toBeCloseTo(10 / 16, 12);
  });

  test("are compared on the questions that both were asked", () => {
    const short = result("vmtc-50", [1]);
    expect(compare(short, result("full", [0, 0, 0]))).toMatchObject({ better: 1, worse: 0, gain: { count: 1 } });
  });
});

describe("the report", () => {
  const out = join(root, "reported");
  let text = "";
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  let json: any;

  beforeAll(async () => {
    const knows = ({ setting, question }: BenchmarkItem) => setting.id === "full" || question.category !== "animals";
    const found = await run("folder", chosen("full", "vmtc-50"), knows, out, (setting) =>
      setting.id === "full" ? 64 : 32,
    );
    const written = writeBenchmarkReport({
      out,
      file: "report",
      ...found,
      data: "my/pictures",
      total: 30,
      model,
      info,
      curveOf: ({ title }) => title,
      args: ["--benchmark", "folder"],
    });
    expect(written.files).toEqual(["report.md", "report.json", "report.svg"].map((name) => join(out, name)));
    expect(written.summary).toMatch(/^full {5}accuracy 100\.0 ± \d+\.\d\nvmtc-50 {2}accuracy 66\.7 ± \d+\.\d$/);
    text = readFileSync(join(out, "report.md"), "utf8");
    json = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
  });

  test("says what was asked, of how much, and how it was judged", () => {
    expect(text).toMatch(/^# Own questions with made-up\n\n`npm run eval -- --benchmark folder` on \d{4}/);
    expect(text).toContain(
      "3 of 30 questions of `my/pictures`, on 3 pictures; 3 answers a setting, greedy, at most 64 tokens; 0",
    );
    expect(text).toContain('The first question as it was asked: "What is left?".');
    expect(text).toContain("Right if an accepted answer occurs in it");
    expect(text).toContain("These figures are about these questions only.");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("has a row a setting, with the paired comparison", () => {
    expect(text).toMatch(/\| all tokens \| 64 \| 0\.64 \| 100\.0 ± \d+\.\d \| {2}\| {2}\| {2}\| {2}\|/);
    expect(text).toMatch(/\| VMTC 50 % \| 32 \| 0\.32 \| 66\.7 ± 33\.3 \| −33\.3 ± 33\.3 \| 0 \| 1 \| 1\.000 \|/);
    expect(text).toMatch(/\| animals \| 1 \| 100\.0 \| 0\.0 \|/);
  });

  test("has the same figures as data", () => {
    expect(json).toMatchObject({ benchmark: "folder", data: "my/pictures", questions: 3, total: 30 });
    expect(json.settings[1]).toMatchObject({ id: "vmtc-50", answers: 3, imageTokens: 32, millisecondsPerAnswer: 320 });
    expect(json.settings[1].figures[0]).toMatchObject({ name: "accuracy", value: 66.666667, most: 100, count: 3 });
    expect(json.comparisons).toEqual([
      { setting: "vmtc-50", against: "full", better: 0, worse: 1, gain: -33.333333, error: 33.333333, units: 3, p: 1 },
    ]);
  });

  test("has a plot over tokens and over time", () => {
    const svg = readFileSync(join(out, "report.svg"), "utf8");
    expect(svg).toMatch(/^<svg /);
    for (const label of ["image tokens", "seconds an answer", "Own questions: accuracy", "VMTC 50 %"])
      expect(svg).toContain(label);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test("a report of a server has no tokens to plot, and one of MME is a share of its most", async () => {
  const out = join(root, "server");
  const found = await run(
    "mme",
    chosen("full"),
    () => true,
    out,
    () => 0,
  );
  writeBenchmarkReport({
    out,
    file: "report",
    ...found,
    data: "d",
    total: 6,
    model,
    info,
    curveOf: ({ id }) => id,
    args: [],
  });
  const svg = readFileSync(join(out, "report.svg"), "utf8");
  expect(svg).not.toContain("image tokens");
  expect(svg).toContain("MME: perception, share of 400");
  expect(readFileSync(join(out, "report.md"), "utf8")).toContain("perception, of 400 | cognition, of 200 |");
});

describe("a sweep", () => {
  const options: SweepOptions = { methods: ["vmtc", "pool"], tokens: [8, 16, 32], inhibition: [0, 0.6] };

  test("has every method at every budget, and all tokens to compare with", () => {
    const settings = sweepSettings(options, 64);
    expect(settings.slice(0, 6).map(({ id, compression }) => [id, compression])).toEqual([
      ["full", { method: "none" }],
      ["vmtc-8", { method: "vmtc", tokens: 8 }],
      ["vmtc-16", { method: "vmtc", tokens: 16 }],
      ["vmtc-32", { method: "vmtc", tokens: 32 }],
      // 64 to 8 is a factor of 2.8, to 16 one of 2, and to 32 one of 1.4, which leaves all.
      ["pool-8", { method: "pool", factor: 3 }],
      ["pool-16", { method: "pool", factor: 2 }],
    ]);
    expect(settings.length).toBe(12);
    expect(
      settings.slice(6).every(({ id, inhibition }) => id.endsWith("+cmai-0.6") && inhibition.maxRatio === 0.6),
    ).toBe(true);
  });

  test("takes the usual budgets below the model's tokens, and the chosen ones as they are", () => {
    const ids = (tokens: number[] | undefined) =>
      sweepSettings({ methods: ["diverse"], tokens, inhibition: [0] }, 64).map(({ id }) => id);
    expect(ids(undefined)).toEqual(["full", "diverse-8", "diverse-16", "diverse-32"]);
    expect(ids([100])).toEqual(["full", "diverse-100"]);
  });

  test("refuses unknown methods, and a model without room for a budget", () => {
    expect(() => sweepSettings({ ...options, methods: ["magic"] }, 64)).toThrow(
      `--methods: unknown "magic"; choose from ${METHODS.map(({ name }) => name).join(", ")}`,
    );
    expect(() => sweepSettings({ ...options, tokens: undefined }, 4)).toThrow(
      "--tokens is missing: the model has 4 image",
    );
  });

  test("is drawn with a curve a method", async () => {
    const out = join(root, "sweep");
    const settings = sweepSettings({ ...options, inhibition: [0] }, 64);
    const tokensOf = ({ compression }: Setting) => ("tokens" in compression ? compression.tokens! : 64);
    const found = await run<SweepSetting>("folder", settings, () => true, out, tokensOf);
    const curveOf = ({ method }: SweepSetting) => method;
    writeBenchmarkReport({ out, file: "sweep", ...found, data: "d", total: 3, model, info, curveOf, args: [] });
    const json = JSON.parse(readFileSync(join(out, "sweep.json"), "utf8"));
    expect(
      json.settings.map(({ curve, imageTokens }: { curve: string; imageTokens: number }) => [curve, imageTokens]),
    ).toEqual([
      ["all", 64],
      ["vmtc", 8],
      ["vmtc", 16],
      ["vmtc", 32],
      ["pool", 64],
      ["pool", 64],
    ]);
    expect(json.comparisons.length).toBe(5);
  });
});

test("the set that ships is a benchmark too, judged by its own rules", async () => {
  const path = join(projectRoot, "eval/set");
  const benchmark = readShipped(path);
  const questions = chooseQuestions(await benchmark.read(new DataFolder(path), OPTIONS));
  expect(questions.length).toBe(600);
  const answered = questions.map(({ picture, ...one }) => ({
    ...one,
    cluster: picture.file,
    answer: one.expected[0] ?? "",
  }));
  const score = benchmark.score(answered.filter(({ expected }) => expected.length > 0));
  expect(score.figures[0]!.value).toBe(100);
  expect(benchmark.score(answered.map((one) => ({ ...one, answer: "What, me?" }))).figures[0]!.value).toBe(0);
});
