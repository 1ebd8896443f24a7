/**
 * The report of a benchmark or a sweep: a table, a plot and the figures as data. It covers the asked questions only.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelInfo } from "../src/api.ts";
import type { AskedQuestion } from "./benchmark-items.ts";
import { type Comparison, compare, type SettingResult } from "./benchmark-results.ts";
import type { Benchmark } from "./benchmarks/benchmark.ts";
import { groupBy } from "./group.ts";
import { points, table } from "./markdown.ts";
import type { ModelSource } from "./model-source.ts";
import { type Axis, type Curve, plot } from "./plot.ts";
import type { Figure } from "./scorers/scoring.ts";
import type { Setting } from "./settings.ts";
import { rounded } from "./statistics.ts";

export interface BenchmarkReport<One extends Setting = Setting> {
  /** The report's folder. */
  out: string;
  /** Name of its files, without ending: "report" or "sweep". */
  file: string;
  benchmark: Benchmark;
  /** Path of the data, as given. */
  data: string;
  questions: readonly AskedQuestion[];
  /** Questions of the whole benchmark. */
  total: number;
  model: ModelSource;
  info: ModelInfo;
  /** At least one; the others are compared with the first. */
  results: readonly SettingResult<One>[];
  /** Name of the curve of a setting's point. */
  curveOf: (setting: One) => string;
  /** Arguments of the command. */
  args: readonly string[];
}

/** Writes the three files. Returns a line a setting for the terminal, and the files' paths. */
export function writeBenchmarkReport<One extends Setting>(
  report: BenchmarkReport<One>,
): { summary: string; files: string[] } {
  const { out, file, results } = report;
  const comparisons = results.slice(1).map((result) => compare(result, results[0]!));
  mkdirSync(out, { recursive: true });
  const files = {
    [`${file}.md`]: markdown(report, comparisons),
    [`${file}.json`]: `${JSON.stringify(asData(report, comparisons), null, 1)}\n`,
    [`${file}.svg`]: drawing(report),
  };
  const written = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(out, name), content);
    return join(out, name);
  });
  const width = Math.max(...results.map(({ setting }) => setting.id.length));
  const lines = results.map(
    ({ setting, score }) =>
      `${setting.id.padEnd(width)}  ${score.figures.map((one) => `${one.name} ${shownFigure(one)}`).join(", ")}`,
  );
  return { summary: lines.join("\n"), files: written };
}

function markdown<One extends Setting>(report: BenchmarkReport<One>, comparisons: readonly Comparison[]): string {
  const { benchmark, model, file, results } = report;
  const parts = partTable(results);
  const sections = [
    `# ${benchmark.title} with ${model.name}`,
    about(report),
    mainTable(results, comparisons),
    `![${benchmark.title} over image tokens and over time](${file}.svg)`,
    ...(parts === "" ? [] : ["## Parts", parts]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function about<One extends Setting>({
  benchmark,
  data,
  questions,
  total,
  info,
  results,
  args,
}: BenchmarkReport<One>): string {
  const pictures = new Set(questions.map(({ picture }) => picture.hash)).size;
  const cut = results.reduce((sum, result) => sum + result.cut, 0);
  const asked = results.map(({ records }) => records.length);
  const [least, most] = [Math.min(...asked), Math.max(...asked)];
  return [
    `\`npm run eval -- ${args.join(" ")}\` on ${new Date().toISOString().slice(0, 10)}, adapter ${info.adapter || "none"}. ` +
      `${questions.length} of ${total} questions of \`${data}\`, on ${pictures} pictures; ` +
      `${least === most ? least : `${least} to ${most}`} answers a setting, greedy, at most ${benchmark.maxTokens} tokens; ` +
      `${cut} were cut short there. The first question as it was asked: ${JSON.stringify(questions[0]?.prompt ?? "")}.`,
    `Score: ${benchmark.rule} Figures carry one standard error; pictures count as independent, not the questions on one. ` +
      `A gain is the difference to "${results[0]!.setting.title}" on the same questions, in points. "Better" and "worse" count the ` +
      "questions whose score rose and fell; p is that of McNemar's exact test on them. These figures are about these questions only.",
  ].join("\n\n");
}

function mainTable(results: readonly SettingResult[], comparisons: readonly Comparison[]): string {
  const names = results[0]!.score.figures.map((one) => (one.most === 100 ? one.name : `${one.name}, of ${one.most}`));
  const isCompared = comparisons.length > 0;
  const head = [
    "setting",
    "image tokens",
    "s an answer",
    ...names,
    ...(isCompared ? ["gain", "better", "worse", "p"] : []),
  ];
  const rows = results.map(({ setting, imageTokens, milliseconds, score }, i) => {
    const found = comparisons[i - 1];
    const compared = found
      ? [points(found.gain), `${found.better}`, `${found.worse}`, shownProbability(found.p)]
      : ["", "", "", ""];
    return [
      setting.title,
      imageTokens === 0 ? "" : imageTokens.toFixed(Number.isInteger(imageTokens) ? 0 : 1),
      (milliseconds / 1000).toFixed(2),
      ...score.figures.map(shownFigure),
      ...(isCompared ? compared : []),
    ];
  });
  return table(head, rows);
}

/** A row a part of the benchmark, a column a setting; "" without parts. */
function partTable(results: readonly SettingResult[]): string {
  const parts = [
    ...new Map(results.flatMap(({ score }) => score.parts.map((part) => [part.name, part.count] as const))),
  ];
  if (parts.length === 0) return "";
  const cell = ({ score }: SettingResult, name: string) => {
    const part = score.parts.find((one) => one.name === name);
    return part ? shownFigure(part) : "";
  };
  return table(
    ["part", "answers", ...results.map(({ setting }) => setting.title)],
    parts.map(([name, count]) => [name, `${count}`, ...results.map((result) => cell(result, name))]),
  );
}

function shownFigure({ value, error }: Figure): string {
  return `${value.toFixed(1)}${error === undefined ? "" : ` ± ${error.toFixed(1)}`}`;
}

function shownProbability(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** The benchmark's own figure as a share of its maximum. */
function drawing<One extends Setting>({ benchmark, results, curveOf }: BenchmarkReport<One>): string {
  const { name, most } = results[0]!.score.figures[0]!;
  const title = `${benchmark.title}: ${name}${most === 100 ? "" : `, share of ${most}`}`;
  const curves = (xOf: (result: SettingResult) => number): Curve[] =>
    [...groupBy(results, ({ setting }) => curveOf(setting))].map(([curve, own]) => ({
      name: curve,
      points: own.map((result) => {
        const { value, error = Number.NaN, count } = result.score.figures[0]!;
        return { x: xOf(result), estimate: { mean: value / most, error: error / most, count } };
      }),
    }));
  const panel = (axis: Axis, xOf: (result: SettingResult) => number) => ({ title, axis, curves: curves(xOf) });
  const time = panel("seconds an answer", ({ milliseconds }) => milliseconds / 1000);
  // A server does not report the number of its image tokens.
  const hasTokens = results.every(({ imageTokens }) => imageTokens > 0);
  return plot(hasTokens ? [panel("image tokens", ({ imageTokens }) => imageTokens), time] : [time]);
}

function asData<One extends Setting>(report: BenchmarkReport<One>, comparisons: readonly Comparison[]): object {
  const { benchmark, data, questions, total, model, info, results, curveOf } = report;
  return {
    benchmark: benchmark.name,
    data,
    questions: questions.length,
    total,
    model: { name: model.name, hash: model.hash, parameters: info.parameters, imageTokens: info.imageTokens },
    adapter: info.adapter,
    settings: results.map((result) => ({
      id: result.setting.id,
      title: result.setting.title,
      curve: curveOf(result.setting),
      compression: result.setting.compression,
      inhibition: result.setting.inhibition,
      answers: result.records.length,
      cut: result.cut,
      imageTokens: rounded(result.imageTokens),
      millisecondsPerAnswer: rounded(result.milliseconds),
      millisecondsError: rounded(result.millisecondsError),
      figures: result.score.figures.map(roundedFigure),
      parts: result.score.parts.map(roundedFigure),
    })),
    comparisons: comparisons.map(({ gain, p, ...others }) => ({
      ...others,
      gain: rounded(100 * gain.mean),
      error: Number.isNaN(gain.error) ? null : rounded(100 * gain.error),
      units: gain.count,
      p: rounded(p),
    })),
  };
}

function roundedFigure(figure: Figure): Figure {
  const error = figure.error === undefined ? {} : { error: rounded(figure.error) };
  return { ...figure, value: rounded(figure.value), ...error };
}
