/** `npm run bench` from its arguments to the report: runs the parts one after another, prints and stores their figures. */
import { readdirSync } from "node:fs";
import { table } from "../eval/markdown.ts";
import { root } from "../tools/library.mjs";
import { BrowserHost } from "./browser-host.ts";
import type { LaunchFirefox } from "./browsers.ts";
import type { InPageName } from "./in-page.ts";
import { conditions } from "./machine.ts";
import { NodeHost, type NodePartName } from "./node-host.ts";
import type { BenchOptions } from "./options.mjs";
import { pageFigures } from "./page-figures.ts";
import { figureRows, type PartResult } from "./parts/result.ts";
import type { ImportModule } from "./provide-dawn.ts";
import { fileName, type KeptPart, type Place, readKept, targetTable, writeKept } from "./report.ts";
import { openFigures, sizeFigures } from "./site-parts.ts";

const folder = `${root}bench/results`;
/** The document with the table of targets of one adapter. */
const DOCUMENT = `${root}docs/performance.md`;

/** Work that only Node can do; a module that Vite runs cannot. */
export interface Outside {
  importModule: ImportModule;
  launchFirefox: LaunchFirefox;
  ensureSite(): Promise<unknown>;
  ensureLibrary(): Promise<unknown>;
  pageSizes(): Record<"element" | "answer", { brotli: number }>;
}

/**
 * @param args the command line, for the stored conditions
 * @returns the exit code. Throws an Error of one line on failure; parts measured before are already stored.
 */
export async function main(options: BenchOptions, args: string[], outside: Outside): Promise<number> {
  if (options.reportOnly) writeAnew();
  else await measure(options, args, outside);
  return 0;
}

/** Rewrites the tables and plots from the stored results. */
function writeAnew(): void {
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const file = name.slice(0, -".json".length);
    process.stdout.write(`${writeKept(folder, file, readKept(folder, file, file), DOCUMENT).join("\n")}\n`);
  }
}

type Run = (name: string, progress: (what: string) => void) => Promise<PartResult>;

async function measure(options: BenchOptions, args: string[], outside: Outside): Promise<void> {
  const host = options.node
    ? await NodeHost.open(options.size, outside.importModule)
    : await BrowserHost.open(options.browser, options.size, outside.launchFirefox);
  const run: Run =
    host instanceof NodeHost ? (name, progress) => host.run(name as NodePartName, progress) : runWith(host, outside);
  let file: string | undefined;
  try {
    for (const name of options.parts) {
      const progress = (what: string) => process.stderr.write(`${what} ...\n`);
      const about = conditions(args);
      const part: KeptPart = { ...(await run(name, progress)), ...about };
      process.stdout.write(
        `\n${name}: ${part.adapter}, ${part.runtime}\n\n${table(["figure", "value", "note"], figureRows(part))}\n`,
      );
      // Size tiny only checks that the part runs; its numbers are not measurements. A part without figures keeps the stored ones.
      if (part.size !== "tiny" && part.figures.length > 0) file = keep(part, placeOf(options));
    }
  } finally {
    await host.close();
  }
  if (file !== undefined) finish(file);
}

/** Runs parts in the browser, or on the built product. */
function runWith(host: BrowserHost, { ensureSite, ensureLibrary, pageSizes }: Outside): Run {
  return async (name, progress) => {
    const isOfSite = name === "open" || name === "page";
    if (!isOfSite && name !== "size") return host.run(name as InPageName, progress);
    await (isOfSite ? ensureSite() : ensureLibrary());
    const start = performance.now();
    const about = await host.run("adapter", progress);
    const figures = isOfSite ? await (name === "open" ? openFigures : pageFigures)(progress) : sizeFigures(pageSizes());
    return { ...about, part: name, figures, seconds: (performance.now() - start) / 1000 };
  };
}

/** The place of a run outside Chromium. */
function placeOf({ node, browser }: BenchOptions): Place | undefined {
  if (node) return { file: "node", name: "Dawn in Node" };
  return browser === "firefox" ? { file: "firefox", name: "Firefox" } : undefined;
}

/** @returns the name of the files that store it, without an ending */
function keep(part: KeptPart, place: Place | undefined): string {
  const file = fileName(part.adapter, place);
  const kept = readKept(folder, file, place ? `${part.adapter}, ${place.name}` : part.adapter);
  kept.parts[part.part] = part;
  writeKept(folder, file, kept, DOCUMENT);
  return file;
}

function finish(file: string): void {
  const kept = readKept(folder, file, file);
  const paths = ["md", "json", "svg"].map((ending) => `bench/results/${file}.${ending}`);
  process.stdout.write(`\n${targetTable(kept)}\n\n${paths.join("\n")}\n`);
}
