/** The report: its sections, their order, and its files. tables.ts computes the figures. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ModelInfo } from "../src/api.ts";
import { root } from "../tools/library.mjs";
import { figures } from "./figures.ts";
import type { Journal } from "./journal.ts";
import { percent, points } from "./markdown.ts";
import type { ModelSource } from "./model-source.ts";
import type { Sets } from "./plan.ts";
import { type Curve, plot } from "./plot.ts";
import { duration } from "./progress.ts";
import { readingFor } from "./reading.ts";
import { Results, type Scope } from "./results.ts";
import { accuracy, gain, type Measure, meanTokens, share, success, type Verdict } from "./score.ts";
import { PAPER, PLAIN, settingsFor } from "./settings.ts";
import type { Estimate } from "./statistics.ts";
import { comparison, handTable, type Row, taskTable, topicTable } from "./tables.ts";

export interface ReportInput {
  /** The report's folder. */
  out: string;
  model: ModelSource;
  info: ModelInfo;
  sets: Sets;
  journal: Journal;
  /** Arguments of the command. */
  args: string[];
}

const SHARES = [50, 25, 12];
const METHODS: [name: string, ids: string[]][] = [
  ["VMTC", SHARES.map((share) => `vmtc-${share}+cmai`)],
  ["fused by layers", SHARES.map((share) => `fuse-${share}+cmai`)],
  ["dropped by layers", SHARES.map((share) => `drop-${share}+cmai`)],
  ["pruned in the last layer", SHARES.map((share) => `prune-last-${share}+cmai`)],
  ["PruMerge", SHARES.map((share) => `prumerge-${share}+cmai`)],
  ["pooled", ["pool-2+cmai", "pool-3+cmai"]],
];

/** Writes report.md, report.json and report.svg. Throws an Error of one line if there is nothing to report. */
export function writeReport(input: ReportInput): { summary: string; files: string[] } {
  const { out, model, info, sets, journal } = input;
  const settings = settingsFor(info.imageTokens);
  const results = new Results(settings, sets, journal, model.hash);
  if (results.every.length === 0) throw new Error("there are no answers to report; run the evaluation first");
  mkdirSync(out, { recursive: true });
  const svg = plotOf(results);
  const files = {
    "report.md": `${sections(input, results, svg !== undefined)
      .filter(Boolean)
      .join("\n\n")}\n`,
    "report.json": `${JSON.stringify(figures(results, model, info), null, 1)}\n`,
    ...(svg === undefined ? {} : { "report.svg": svg }),
  };
  const written = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(out, name), content);
    return join(out, name);
  });
  return { summary: summary(results), files: written };
}

function sections(input: ReportInput, results: Results, hasPlot: boolean): string[] {
  const { out, model, info, sets, args } = input;
  const main = ["full", "full+cmai", ...SHARES.flatMap((share) => [`vmtc-${share}`, `vmtc-${share}+cmai`])];
  return [
    `# Evaluation of ${model.name}`,
    about(results, info, model, args),
    ...section("Aims", aims(results)),
    reading(results, model),
    hasPlot ? "![accuracy and success over image tokens](report.svg)" : "",
    ...section(
      "Token budgets, with and without inhibition",
      comparison(
        results,
        main.map((id) => [id]),
        { against: PLAIN, scope: "all" },
      ),
    ),
    ...section(
      "Questions by topic and by number of things",
      topicTable(results, [PLAIN, PAPER, "vmtc-25+cmai", "vmtc-12+cmai", "pool-2"]),
    ),
    ...section(
      "The sixteen instructions (the paper's Table 1)",
      taskTable(results, [PLAIN, "pool-2", "describe-first", PAPER]),
      "Described first: from the model's own description, without the picture; the paper's upper limit. A model that never " +
        "read a text without a picture in its training is not at home there.",
    ),
    ...moduleTables(results),
    ...choiceTables(results),
    ...section(
      "Pictures made another way",
      handTable(results, relative(out, sets.byHand.folder)),
      `Not drawn by the generator of the training: see [by-hand](${relative(out, `${sets.byHand.folder}/README.md`)}).`,
    ),
  ];
}

/** The paper's tables of single parts: modules, stages, focus scores. */
function moduleTables(results: Results): string[] {
  return [
    ...section(
      "Both modules (Table 3)",
      comparison(
        results,
        [
          [PLAIN, "neither"],
          ["vmtc-50", "VMTC"],
          ["full+cmai", "CMAI"],
          [PAPER, "both"],
        ],
        { against: PLAIN, scope: "all" },
      ),
    ),
    ...section(
      "Stages of compression (Table 4)",
      ...shared(
        results,
        [
          ["full+cmai", "none"],
          ["prune-last-50+cmai", "pruned in the last layer"],
          ["drop-50+cmai", "dropped by layers"],
          ["fuse-50+cmai", "dropped ones fused into one"],
          [PAPER, "fused by clusters"],
        ],
        PAPER,
      ),
    ),
    ...section(
      "Focus scores (Table 5)",
      ...shared(
        results,
        [
          ["vmtc-50", "no inhibition"],
          ["vmtc-50+text-to-image"],
          ["vmtc-50+sum"],
          ["vmtc-50+discounted-sum"],
          [PAPER, "focus"],
        ],
        PAPER,
      ),
    ),
  ];
}

/** Other methods and options at the same number of tokens. */
function choiceTables(results: Results): string[] {
  return [
    ...section(
      "Other ways to as many tokens",
      ...shared(
        results,
        [["full+cmai"], ...METHODS.flatMap(([, ids]) => ids.map((id): Row => [id])), ["prumerge+cmai"], ["pool-2"]],
        "full+cmai",
      ),
    ),
    ...section(
      "Other choices",
      ...shared(
        results,
        [[PAPER], ...results.settings.filter(({ group }) => group === "option").map(({ id }): Row => [id])],
        PAPER,
        " With one picture a question, a threshold per image is the same as one per row; that line is a check.",
      ),
    ),
  ];
}

/** A table on the pictures that all settings share, and its note. */
function shared(results: Results, rows: Row[], against: string, note = ""): [content: string, note: string] {
  return [
    comparison(results, rows, { against, scope: "shared" }),
    `On ${pictureCount(rows.map(([id]) => results.of(id, "shared")))}, the first of the set.${note}`,
  ];
}

/** A heading with notes and the table under it; nothing if the table is empty. */
function section(title: string, content: string, note = ""): string[] {
  return content === "" || content.split("\n").length < 3 ? [] : [`## ${title}`, note, content];
}

/** "20 pictures", or "18 to 20 pictures" for a run that was interrupted under some settings. */
function pictureCount(settings: readonly Verdict[][]): string {
  const counts = settings
    .map((verdicts) => new Set(verdicts.map(({ item }) => item.picture.file)).size)
    .filter((count) => count > 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? "" : `${least} to `}${most} picture${most === 1 ? "" : "s"}`;
}

function enginesOf(results: Results): string[] {
  return [...new Set(results.every.map(({ record }) => record.library))];
}

function reading(results: Results, model: ModelSource): string {
  const path = `${root}eval/reading.md`;
  if (!existsSync(path)) return "";
  const run = { model: model.hash, engines: enginesOf(results), answers: results.every.length };
  return readingFor(readFileSync(path, "utf8"), run);
}

function about(results: Results, info: ModelInfo, model: ModelSource, args: string[]): string {
  const every = results.every;
  const records = every.map(({ record }) => record);
  const cut = records.filter(({ reason }) => reason !== "stop").length;
  const time = records.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const plain = results.of(PLAIN).filter(({ followed }) => !followed).length;
  const instructed = results.of(PLAIN).length - plain;
  return [
    `\`npm run eval${args.length > 0 ? ` -- ${args.join(" ")}` : ""}\` on ${new Date().toISOString().slice(0, 10)}: ` +
      `${info.parameters.toLocaleString("en")} parameters, ${info.imageTokens} image tokens, model ${model.hash.slice(0, 12)}, ` +
      `engine ${enginesOf(results).join(", ")}, weights in ${info.weights}, adapter ${info.adapter}. ${records.length} answers, greedy, ` +
      `${(time / records.length / 1000).toFixed(2)} s each, ${duration(time)} in all; ${cut} were cut short at the longest length.`,
    `Without compression ${plain} questions and ${instructed} instructions were asked. All figures are percent, with one standard error; pictures ` +
      "count as independent, not the answers on one. A gain is the difference to the line without one, on the same questions, so that " +
      'its error is smaller than those of the two lines would make it. "Followed" is strict, "loosely" is the best of eight variants, ' +
      '"and right" asks of an instructed answer to be true as well.',
  ].join("\n\n");
}

/** The aims of the model, and their verdicts. */
function aims(results: Results): string {
  const plain = results.of(PLAIN);
  const lines = [
    aim("questions right without compression, at least 90 %", share(plain, accuracy), percent, 0.9),
    aim(
      "questions at half of the tokens (VMTC alone), at most 1 point below that",
      gain(results.of("vmtc-50"), plain, accuracy),
      points,
      -0.01,
    ),
    aim(
      "questions with both modules, at most 1 point below that",
      gain(results.of(PAPER), plain, accuracy),
      points,
      -0.01,
    ),
    aim("instructions followed without compression, at least 80 %", share(plain, success), percent, 0.8),
    aim("instructions followed with both modules, at least 80 %", share(results.of(PAPER), success), percent, 0.8),
  ].filter((line) => line !== "");
  return lines.length === 0 ? "" : ["| aim | measured | |", "|---|---:|---|", ...lines].join("\n");
}

function aim(text: string, found: Estimate, format: typeof percent, bound: number): string {
  return found.count === 0 ? "" : `| ${text} | ${format(found)} | ${verdictOn(found, bound)} |`;
}

/** No verdict within one standard error of the bound, nor without an error. */
function verdictOn({ mean, error }: Estimate, bound: number): string {
  if (!(Math.abs(mean - bound) >= error)) return "too close to tell";
  return mean >= bound ? "reached" : "missed";
}

/** Two panels on all pictures, two on those that all methods share; undefined without two budgets to compare. */
function plotOf(results: Results): string | undefined {
  const curve = (name: string, ids: string[], measure: Measure, scope: Scope): Curve[] => {
    const points = ids.flatMap((id) => {
      const verdicts = results.of(id, scope);
      return verdicts.length > 0 ? [{ x: meanTokens(verdicts), estimate: share(verdicts, measure) }] : [];
    });
    return points.length > 1 ? [{ name, points }] : [];
  };
  const budgets = (suffix: string) => [`full${suffix}`, ...SHARES.map((share) => `vmtc-${share}${suffix}`)];
  const whole = (measure: Measure) => [
    ...curve("VMTC", budgets("+cmai"), measure, "all"),
    ...curve("VMTC without CMAI", budgets(""), measure, "all"),
  ];
  const methods = (measure: Measure) =>
    METHODS.flatMap(([name, ids]) => curve(name, ["full+cmai", ...ids], measure, "shared"));
  const countOf = (ids: string[], scope: Scope) => pictureCount(ids.map((id) => results.of(id, scope)));
  const all = countOf([...budgets(""), ...budgets("+cmai")], "all");
  const shared = countOf(["full+cmai", ...METHODS.flatMap(([, ids]) => ids)], "shared");
  const panels = [
    { title: `Questions right, ${all}`, curves: whole(accuracy) },
    { title: `Instructions followed, ${all}`, curves: whole(success) },
    { title: `Questions right, ${shared}, with CMAI`, curves: methods(accuracy) },
    { title: `Instructions followed, ${shared}, with CMAI`, curves: methods(success) },
  ].filter(({ curves }) => curves.length > 0);
  return panels.length > 0 ? plot(panels) : undefined;
}

function summary(results: Results): string {
  return results.settings
    .map(({ id }) => {
      const verdicts = results.of(id);
      return `${id.padEnd(24)} ${percent(share(verdicts, accuracy)).padStart(12)} questions ${percent(share(verdicts, success)).padStart(12)} instructions`;
    })
    .join("\n");
}
