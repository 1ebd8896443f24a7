/** Stores results of the benchmark: one JSON file per adapter, and a table and a plot made from it. Node only. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { table } from "../eval/markdown.ts";
import type { Conditions } from "./machine.ts";
import { type Figure, figureRows, type PartResult, valueText } from "./parts/result.ts";
import { plotFigures } from "./plot.ts";
import { judge, type Verdict } from "./targets.ts";

/** A stored part: its figures, and the date, machine and command of the measurement. */
export interface KeptPart extends PartResult, Conditions {}

export interface Kept {
  /** The adapter, and the place if it is not Chromium. */
  name: string;
  parts: Record<string, KeptPart>;
}

/** Another place than Chromium: the end of its files' names, and its name in words. */
export interface Place {
  file: string;
  name: string;
}

/** The file name for an adapter's results, without an ending. */
export function fileName(adapter: string, place: Place | undefined): string {
  return `${adapter.toLowerCase().replaceAll(/\W+/g, "-")}${place ? `-${place.file}` : ""}`;
}

/** Reads the stored results of an adapter; results without parts if there is no file. */
export function readKept(folder: string, file: string, name: string): Kept {
  const path = `${folder}/${file}.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Kept) : { name, parts: {} };
}

/** Writes the JSON, the tables and the plot, and the table of targets in `document`. @returns the files' paths */
export function writeKept(folder: string, file: string, kept: Kept, document: string): string[] {
  mkdirSync(folder, { recursive: true });
  const paths = ["json", "md", "svg"].map((ending) => `${folder}/${file}.${ending}`);
  const [json, md, svg] = paths as [string, string, string];
  writeFileSync(json, `${JSON.stringify(kept, null, 2)}\n`);
  writeFileSync(md, reportText(kept, `${file}.svg`));
  writeFileSync(svg, plotFigures(allFigures(kept), isSoftware(kept)));
  writeFileSync(document, insertTargets(readFileSync(document, "utf8"), file, kept));
  return paths;
}

/** Replaces the table of targets between this file's two marks; returns the document unchanged if it has none. */
function insertTargets(document: string, file: string, kept: Kept): string {
  const [begin, end] = [`<!-- targets of ${file} -->`, "<!-- end of targets -->"];
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) return document;
  return `${document.slice(0, from + begin.length)}\n\n${targetTable(kept)}\n\n${document.slice(to)}`;
}

function allFigures({ parts }: Kept): Map<string, Figure> {
  return new Map(Object.values(parts).flatMap(({ figures }) => figures.map((figure) => [figure.id, figure] as const)));
}

function isSoftware({ parts }: Kept): boolean {
  return Object.values(parts).every(({ software }) => software);
}

/**
 * The Markdown page of an adapter's results.
 *
 * @param picture path of the plot
 */
export function reportText(kept: Kept, picture: string): string {
  const sections = Object.values(kept.parts).map(partText);
  const remark = isSoftware(kept)
    ? "This is a software adapter. Its figures compare programs on this machine; they do not tell how fast a GPU is.\n\n"
    : "";
  return `# ${kept.name}

${remark}${targetTable(kept)}

![Figures and targets](${picture})

${sections.join("\n\n")}
`;
}

/** The table of targets: figure, target, measured value, adapter and date, command. */
export function targetTable(kept: Kept): string {
  const software = isSoftware(kept);
  const rows = judge(allFigures(kept), software).map((verdict) => {
    const part = verdict.figure && partOf(kept, verdict.figure.id);
    return [
      verdict.target.figure,
      verdict.target.reach(software),
      measuredText(verdict),
      part ? `${part.adapter}, ${part.date}` : "",
      `\`npm run bench -- --only ${verdict.target.part}\``,
    ];
  });
  return table(["figure", "target", "measured", "adapter, date", "command"], rows, 5);
}

function partOf({ parts }: Kept, id: string): KeptPart | undefined {
  return Object.values(parts).find(({ figures }) => figures.some((figure) => figure.id === id));
}

function measuredText({ target, figure, isReached }: Verdict): string {
  if (!figure) return target.needsGpu ? "not measured here: needs a GPU" : "not measured here";
  if (isReached === undefined)
    return target.needsGpu ? `not measured here: needs a GPU (here ${valueText(figure)})` : "not measured here";
  return `${valueText(figure)}, ${isReached ? "reached" : "**missed**"}`;
}

function partText(part: KeptPart): string {
  const { size, date, command, machine, loadBefore, runtime, adapter, seconds, features } = part;
  const load = loadBefore === undefined ? "" : `, load before ${loadBefore.toFixed(1)}`;
  const duration = seconds > 0 ? `, ${seconds.toFixed(0)} s` : "";
  return `## ${part.part}

${date}, \`${command}\`, size ${size}${duration}. ${adapter} (${features.join(", ")}); ${runtime}; ${machine}${load}.

${table(["figure", "value", "note"], figureRows(part), 1)}`;
}
