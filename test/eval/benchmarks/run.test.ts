/** A benchmark from its files to its report, with a stand-in for the model. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { type BenchmarkItem, benchmarkItems, chooseQuestions } from "../../../eval/benchmark-items.ts";
import { type BenchmarkRun, benchmarkMain } from "../../../eval/benchmark-main.ts";
import { compare, resultsOf, type SettingResult } from "../../../eval/benchmark-results.ts";
import type { BenchmarkQuestion } from "../../../eval/benchmarks/benchmark.ts";
import { DataFolder } from "../../../eval/benchmarks/data-folder.ts";
import { readShipped } from "../../../eval/benchmarks/registry.ts";
import { Journal } from "../../../eval/journal.ts";
import { parseEvalOptions } from "../../../eval/options.mjs";
import { chooseSettings, settingsFor } from "../../../eval/settings.ts";
import type { ModelInfo } from "../../../src/api.ts";
import { LAYOUTS } from "../../support/benchmark-data.ts";
import { projectRoot } from "../../support/command.ts";
import { pictures } from "../../support/read-benchmark.ts";
import { runBenchmark as run } from "../../support/run-benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmark-run-"));
afterAll(() => rmSync(root, { recursive: true }));
const OPTIONS = { ocr: false, suffix: undefined };
const info = { parameters: 5, imageTokens: 64, adapter: "none" } as ModelInfo;

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

describe("the command", () => {
  const options = (...args: string[]) => parseEvalOptions(args) as BenchmarkRun;
  const noLibrary = () => Promise.reject(new Error("the library was built"));

  test.for([
    [["--benchmark", "gqa", "--data", join(root, "nothing")], /^--data \S+nothing: no such file or folder; pass/],
    [["--benchmark", "gqa", "--data", root, "--settings", "half"], /^--settings: unknown "half"; choose from/],
    [["--sweep", "--methods", "magic"], /^--methods: unknown "magic"; choose from vmtc,/],
    [
      ["--benchmark", "pope", "--data", root, "--server", "http://x/v1", "--model", "big", "--settings", "vmtc-50"],
      /^--settings vmtc-50: a server neither compresses nor inhibits; use --settings full$/,
    ],
  ] as const)("%j is refused before anything is built or asked", async ([args, message]) => {
    await expect(benchmarkMain(options(...args), args, noLibrary)).rejects.toThrow(message);
  });

  test("stops after the current answer when it is told to, and goes on from there", async () => {
    const [data, out] = [join(root, "stopped"), join(root, "stopped out")];
    LAYOUTS.folder!.files(data, pictures);
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const args = ["--benchmark", "folder", "--data", data, "--out", out, "--settings", "full", "--browsers", "1"];
    const prompts: string[] = [];
    const run = (stopAt: number) =>
      benchmarkMain(
        options(...args),
        args,
        async () => {},
        async () => ({
          info,
          library: "lib",
          async ask({ messages }) {
            prompts.push(messages[0]!.text);
            if (prompts.length === stopAt) process.emit("SIGINT", "SIGINT");
            return { text: "whale", reason: "stop", stats: { newTokens: 1, imageTokensAfter: 64, totalMs: 5 } };
          },
          close: async () => {},
        }),
      );
    const listeners = process.listenerCount("SIGINT");
    expect(await run(2)).toBe(130);
    expect(prompts).toEqual(["What is left?", "Is it red?"]);
    expect(existsSync(join(out, "report.md"))).toBe(false);
    expect(await run(Number.NaN)).toBe(0);
    expect(prompts).toEqual(["What is left?", "Is it red?", "Is there a cat?"]);
    expect(readFileSync(join(out, "report.md"), "utf8")).toContain("| all tokens | 64 | 0.01 | 33.3 ± 33.3 |");
    expect(process.listenerCount("SIGINT")).toBe(listeners);
    vi.restoreAllMocks();
  });

  test("stops with the reason of a picture that cannot be read", async () => {
    const [data, out] = [join(root, "unreadable"), join(root, "unreadable out")];
    LAYOUTS.folder!.files(data, pictures);
    let closed = 0;
    const args = ["--benchmark", "folder", "--data", data, "--out", out, "--browsers", "1"];
    const run = benchmarkMain(
      options(...args),
      args,
      async () => {},
      async ({ pictures }) => ({
        info,
        library: "lib",
        async ask({ picture }) {
          rmSync(join(data, "a.png"));
          await (pictures.benchmark as (name: string) => Promise<Uint8Array>)(picture!.split("/").at(-1)!);
          throw new Error("it was read");
        },
        async close() {
          closed++;
        },
      }),
    );
    await expect(run).rejects.toThrow(
      /^a\.png, setting full: \S+a\.png: cannot read this picture \(ENOENT\); put it back/,
    );
    expect(closed).toBe(1);
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
