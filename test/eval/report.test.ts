/** The report of a made-up model: its figures are those of the answers, and every part is there exactly when it can be. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Interview } from "../../eval/interview.ts";
import { Journal } from "../../eval/journal.ts";
import { percent, points, table } from "../../eval/markdown.ts";
import { ABLATION_PICTURES, type Item, planItems, type Sets } from "../../eval/plan.ts";
import { type Axis, plot } from "../../eval/plot.ts";
import { duration, Progress } from "../../eval/progress.ts";
import { readingFor } from "../../eval/reading.ts";
import { writeReport } from "../../eval/report.ts";
import { readSet } from "../../eval/set.ts";
import { settingsFor } from "../../eval/settings.ts";
import type { ModelInfo } from "../../src/api.ts";
import { projectRoot } from "../support/command.ts";

/** Thousands of answers are written to the disk. */
const TIMEOUT_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "fovea-report-"));
afterAll(() => rmSync(folder, { recursive: true }));
const drawn = readSet(join(projectRoot, "eval/set"));
const sets: Sets = { drawn, byHand: readSet(join(projectRoot, "eval/by-hand"), drawn.closed) };
const model = { name: "made-up", hash: "m", folder: undefined, address: undefined, weights: "auto" as const };
const info = { parameters: 1234567, imageTokens: 64, weights: "f32", adapter: "none" } as ModelInfo;

/** Answers of a model that knows every answer, and gives it where `knows` says so. */
async function answers(out: string, ids: string[], knows: (item: Item) => boolean, limit?: number): Promise<Journal> {
  const journal = new Journal(join(out, "answers.jsonl"));
  let now: Item;
  const respondent = {
    async ask() {
      const { question } = now;
      const text = knows(now) ? (question.reference ?? question.need.map(([first]) => first).join(" ")) : "What, me?";
      return { text, reason: "stop" as const, stats: { newTokens: 9, imageTokensAfter: tokensOf(now), totalMs: 500 } };
    },
  };
  const interview = new Interview({
    respondent,
    journal,
    model: "m",
    library: "lib",
    adapter: "none",
    addressOf: () => "",
  });
  for (now of planItems(
    settingsFor(64).filter(({ id }) => ids.includes(id)),
    sets,
    limit,
  ))
    await interview.answer(now);
  return journal;
}

function tokensOf({ setting: { compression } }: Item): number {
  return 64 * ("ratio" in compression ? compression.ratio! : 1);
}

describe("of four settings", () => {
  const out = join(folder, "some");
  let text = "";
  type Totals = { questions: { mean: number; count: number } };
  let json: { settings: { id: string; all: Totals; shared: Totals }[] };

  beforeAll(async () => {
    // Wrong on every tenth picture, and on every fifth without compression.
    const knows = ({ picture, setting }: Item) =>
      Number.parseInt(picture.file, 10) % (setting.id === "full" ? 5 : 10) !== 0;
    const journal = await answers(out, ["full", "vmtc-50", "vmtc-50+cmai", "drop-50+cmai"], knows);
    writeReport({ out, model, info, sets, journal, args: ["--settings", "some"] });
    text = readFileSync(join(out, "report.md"), "utf8");
    json = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
  }, TIMEOUT_MS);

  test("says what was asked of whom", () => {
    expect(text).toMatch(
      /^# Evaluation of made-up\n\n`npm run eval -- --settings some` on \d{4}-\d\d-\d\d: 1,234,567 parameters/,
    );
    expect(text).toContain("600 questions and 400 instructions");
  });

  test("has figures that are those of the answers", () => {
    const [full, half] = json.settings;
    expect([full!.id, half!.id]).toEqual(["full", "vmtc-50"]);
    expect(full!.all.questions.mean).toBeCloseTo(0.8, 2);
    expect(half!.all.questions.mean).toBeCloseTo(0.9, 2);
    expect(text).toMatch(/\| VMTC 50 % \| 32 \| 9\d\.\d ± \d\.\d \| \+\d+\.\d ± \d\.\d \|/);
  });

  test("tells which aims were reached", () => {
    expect(text).toMatch(/at least 90 % \| 8\d\.\d ± \d\.\d \| missed \|/);
    expect(text).toMatch(/at most 1 point below that \| \+\d+\.\d ± \d\.\d \| reached \|/);
  });

  test("compares ablations on the pictures that all were asked about", () => {
    for (const { all, shared } of json.settings.slice(0, 3)) {
      expect(all.questions.count).toBe(600);
      expect(shared.questions.count).toBe(6 * ABLATION_PICTURES);
    }
    const part = text.slice(text.indexOf("## Stages of compression"), text.indexOf("## Focus scores"));
    expect(part).toContain(`On ${ABLATION_PICTURES} pictures, the first`);
    // They know the same there, so that there is neither gain nor loss.
    expect(part).toMatch(/\| dropped by layers \| 32 \| 9\d\.\d ± \d\.\d \| 0\.0 ± 0\.0 \|/);
  });

  test("leaves out what was not asked", () => {
    expect(text).not.toContain("described first");
    expect(text).not.toContain("## Other choices");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("shows the pictures made by hand with what was answered", () => {
    expect(text).toMatch(
      /05\.png" width="120" alt=""> \| Which animals do you see\? \| a dog \| ✗ What, me\? \| ✓ a dog \|/,
    );
  });

  test("has a plot", () => {
    const svg = readFileSync(join(out, "report.svg"), "utf8");
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain("Questions right, 100 pictures");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test("a report of one setting has no plot to show, and no gains", { timeout: TIMEOUT_MS }, async () => {
  const out = join(folder, "one");
  const journal = await answers(out, ["pool-2"], () => true);
  writeReport({ out, model, info, sets, journal, args: [] });
  expect(existsSync(join(out, "report.svg"))).toBe(false);
  expect(readFileSync(join(out, "report.md"), "utf8")).not.toMatch(/NaN|undefined|!\[/);
});

test("a report of one picture speaks of nothing but that picture", async () => {
  const out = join(folder, "limited");
  const ids = ["full", "full+cmai", "vmtc-50", "vmtc-50+cmai", "drop-50+cmai"];
  const journal = await answers(out, ids, () => true, 1);
  writeReport({ out, model, info, sets, journal, args: ["--limit", "1"] });
  const text = readFileSync(join(out, "report.md"), "utf8");
  // The reading was written for another model and all pictures.
  const reading = readFileSync(join(projectRoot, "eval/reading.md"), "utf8");
  for (const line of reading.split("\n").filter((line) => line.length > 20)) expect(text).not.toContain(line);
  expect(text).not.toMatch(/whole set|20 pictures|100 pictures|first twenty/);
  expect(text).toContain("On 1 picture, the first of the set.");
  const svg = readFileSync(join(out, "report.svg"), "utf8");
  expect(svg).toContain("Questions right, 1 picture<");
  expect(svg).toContain("Questions right, 1 picture, with CMAI");
  // All of six answers are right; one more wrong one would miss the aim.
  expect(text).toMatch(/at least 90 % \| 100\.0 ± 1\d\.\d \| too close to tell \|/);
});

test("a reading is read for its own run only", () => {
  const text = "<!-- model: abc123, engine: e1, answers: 12 -->\n## Summary\n\nAll is well.\n";
  const run = { model: "abc123def", engines: ["e1"], answers: 12 };
  expect(readingFor(text, run)).toBe("## Summary\n\nAll is well.");
  for (const other of [{ model: "abc999" }, { engines: ["e2"] }, { engines: ["e1", "e2"] }, { answers: 11 }])
    expect(readingFor(text, { ...run, ...other })).toBe("");
  expect(() => readingFor("## Summary\n", run)).toThrow("eval/reading.md must begin with");
});

test("the reading in the project is that of the report beside it", () => {
  const read = (name: string) => readFileSync(join(projectRoot, "eval", name), "utf8");
  const report = read("report/report.md");
  const [, hash = "", engine = "", answers = ""] =
    /model (\w+), engine ([\w, ]+), weights .*?(\d+) answers/.exec(report) ?? [];
  const summary = readingFor(read("reading.md"), { model: hash, engines: [engine], answers: Number(answers) });
  expect(summary).not.toBe("");
  expect(report).toContain(summary);
});

test("without answers there is nothing to report", () => {
  const journal = new Journal(join(folder, "none.jsonl"));
  expect(() => writeReport({ out: folder, model, info, sets, journal, args: [] })).toThrow("there are no answers");
});

test("a plot with one point and with an unknown error is still a plot", () => {
  const estimate = { mean: 0.5, error: Number.NaN, count: 1 };
  const svg = plot([{ title: "Alone", curves: [{ name: "x", points: [{ x: 8, estimate }] }] }]);
  expect(svg).toContain("Alone");
  expect(svg).not.toMatch(/NaN|Infinity/);
});

test("a line follows the axis of tokens, and the budgets over time", () => {
  const points = [1, 3, 2].map((x) => ({ x, estimate: { mean: x / 4, error: Number.NaN, count: 4 } }));
  const lineOf = (axis: Axis, given: typeof points) =>
    plot([{ title: "", axis, curves: [{ name: "x", points: given }] }]);
  const reversed = [points[0]!, points[2]!, points[1]!];
  // ECharts numbers its drawings and their classes.
  const same = (svg: string) => svg.replace(/zr[\w-]+/g, "zr");
  expect(same(lineOf("image tokens", points))).toBe(same(lineOf("image tokens", reversed)));
  expect(same(lineOf("seconds an answer", points))).not.toBe(same(lineOf("seconds an answer", reversed)));
});

test("figures as text", () => {
  expect(percent({ mean: 0.9123, error: 0.011, count: 9 })).toBe("91.2 ± 1.1");
  expect(percent({ mean: 1, error: Number.NaN, count: 1 })).toBe("100.0");
  expect(percent({ mean: Number.NaN, error: Number.NaN, count: 0 })).toBe("");
  expect(points({ mean: -0.005, error: 0.002, count: 9 })).toBe("−0.5 ± 0.2");
  expect(points({ mean: 0.005, error: 0.002, count: 9 })).toBe("+0.5 ± 0.2");
  expect(points({ mean: 0, error: 0, count: 9 })).toBe("0.0 ± 0.0");
  expect(table(["a", "b"], [["x|y", "1\n2"]])).toBe("| a | b |\n| --- | ---: |\n| x\\|y | 1 2 |");
});

test("progress tells how long the rest will take", () => {
  let now = 0;
  const progress = new Progress(4, () => now);
  now = 90_000;
  expect(progress.step("a")).toBe("1 of 4, 90.00 s each, 5 min left: a");
  now = 91_000;
  expect(progress.step("b")).toBe("2 of 4, 45.50 s each, 2 min left: b");
  expect([duration(400), duration(59_400), duration(3_900_000)]).toEqual(["0 s", "59 s", "1 h 05 min"]);
});
