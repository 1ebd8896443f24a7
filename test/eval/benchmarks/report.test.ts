/** Reports of benchmarks and sweeps: their figures are those of the answers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchmarkItem } from "../../../eval/benchmark-items.ts";
import { writeBenchmarkReport } from "../../../eval/benchmark-report.ts";
import { chooseSettings, type Setting, settingsFor } from "../../../eval/settings.ts";
import { METHODS } from "../../../eval/sweep/methods.ts";
import { type SweepOptions, type SweepSetting, sweepSettings } from "../../../eval/sweep/sweep-settings.ts";
import type { ModelInfo } from "../../../src/api.ts";
import { runBenchmark as run } from "../../support/run-benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmark-report-"));
afterAll(() => rmSync(root, { recursive: true }));
const info = { parameters: 5, imageTokens: 64, adapter: "none" } as ModelInfo;
const model = { name: "made-up", hash: "m", folder: undefined, address: undefined, weights: "auto" as const };
const chosen = (...ids: string[]) => chooseSettings(settingsFor(64), ids);

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

  test("asks no compression twice", () => {
    // 64 to 14 and to 16 tokens are both squares of 2 x 2.
    const settings = sweepSettings({ methods: ["pool"], tokens: [14, 16], inhibition: [0] }, 64);
    expect(settings.map(({ id }) => id)).toEqual(["full", "pool-14"]);
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
