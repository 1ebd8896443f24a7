/** Tables of the benchmark of a published model. Pure. */
import { table } from "../../eval/markdown.ts";
import type { Conditions } from "../machine.ts";
import { median, medianRatio } from "../parts/measure.ts";
import type { KernelTime } from "./kernel-times.mjs";
import type { RealRun } from "./options.mjs";
import type { Subject } from "./subjects.ts";

type Page = typeof import("./fovea-page.mjs");
type Asked = Awaited<ReturnType<Page["ask"]>>;
export type DiskLoad = Awaited<ReturnType<Page["loadFromDisk"]>>;

/** One round of one subject. */
export interface Measured {
  loaded: Awaited<ReturnType<Page["load"]>>;
  /** Bytes of the model. */
  sentBytes: number;
  /** Questions of the shorter length, the first one directly after the load. */
  short: Asked[];
  long: Asked;
  /** Bytes of scripts and WebAssembly; undefined if the browser does not report them. */
  heap: number | undefined;
  /** Growth of all processes of the browser, in bytes. */
  memory: { now: number; peak: number } | undefined;
}

export interface RealReport {
  about: Required<Conditions>;
  run: RealRun;
  measured: ReadonlyMap<Subject, readonly Measured[]>;
  /** Why a subject did not run. */
  failures: readonly string[];
  disk: DiskLoad | undefined;
}

type Row = [what: string, value: (measured: Measured) => number | undefined, digits: number];

const megabytes = (bytes: number | undefined) => (bytes ? bytes / 1e6 : undefined);
/** Tokens of the prompt that ran, a second. */
const prefillRate = ({ ranTokens, firstMs }: Asked) => ranTokens / (firstMs / 1000);
/** Tokens a second after the first. */
const decodeRate = ({ newTokens, firstMs, totalMs }: Asked) => (newTokens - 1) / ((totalMs - firstMs) / 1000);
const last = (answers: readonly Asked[]) => answers[answers.length - 1]!;

const ROWS: readonly Row[] = [
  ["model's bytes fetched, MB", ({ sentBytes }) => megabytes(sentBytes), 1],
  ["load, s", ({ loaded }) => loaded.ms / 1000, 2],
  ["load and first token of a prompt, s", ({ loaded, short }) => (loaded.ms + short[0]!.firstMs) / 1000, 2],
  ["first question after the load, prefill, tokens/s", ({ short }) => prefillRate(short[0]!), 1],
  ["second question, prefill, tokens/s", ({ short }) => prefillRate(last(short)), 1],
  ["long question, prefill, tokens/s", ({ long }) => prefillRate(long), 1],
  ["decoding, tokens/s", ({ short }) => decodeRate(last(short)), 2],
  ["scripts and WebAssembly, MB", ({ heap }) => megabytes(heap), 0],
  ["browser's processes, growth, MB", ({ memory }) => megabytes(memory?.now), 0],
  ["the same at most, MB", ({ memory }) => megabytes(memory?.peak), 0],
  ["weights on the GPU, MB", ({ loaded }) => megabytes(loaded.weightBytes), 1],
  ["all GPU memory, MB", ({ loaded }) => megabytes(loaded.gpuBytes), 1],
];

/** The report in Markdown. */
export function reportText({ about, run, measured, failures, disk }: RealReport): string {
  const subjects = [...measured.keys()];
  const rows = ROWS.map(([what, value, digits]) => [
    what,
    ...subjects.map((subject) => {
      const values = measured.get(subject)!.map(value);
      return values.every((value) => value !== undefined) ? median(values).toFixed(digits) : "";
    }),
  ]);
  const first = measured.get(subjects[0]!)![0]!;
  const lengths = `${first.short[0]!.promptTokens} and ${first.long.promptTokens} tokens`;
  return [
    `# SmolLM2-135M-Instruct in ${run.browser === "firefox" ? "Firefox" : "Chromium"}`,
    `${about.date}, \`${about.command}\`; ${about.machine}, load before ${about.loadBefore.toFixed(1)}. Medians of ${run.rounds} round${run.rounds > 1 ? "s" : ""}, in which the subjects took turns, each in a browser of its own. Questions of ${lengths}; ${run.tokens} tokens an answer, greedy. A prompt's rate includes tokenizer, template and the first token.`,
    table(["figure", ...subjects.map(({ what }) => what)], rows),
    subjects.map((subject) => `* ${subject.what}: ${measured.get(subject)![0]!.loaded.about}.`).join("\n"),
    ...(failures.length > 0 ? [`Did not run: ${failures.join("; ")}.`] : []),
    ...(disk ? [diskText(disk)] : []),
    "",
  ].join("\n\n");
}

function diskText({ firstMs, again, byteLength }: DiskLoad): string {
  const loads = again.map(({ loadMs }) => loadMs);
  const reads = again.map(({ readMs }) => readMs);
  const ratio = medianRatio(loads, reads);
  return `The GGUF file of ${(byteLength / 1e6).toFixed(1)} MB through the store on disk: first load ${(firstMs / 1000).toFixed(2)} s, later ones ${(median(loads) / 1000).toFixed(2)} s. Reading and hashing the same bytes from the same disk takes ${(median(reads) / 1000).toFixed(2)} s; a load takes ${ratio.toFixed(2)} times as long (median of ${again.length} rounds, target 1.5).`;
}

/** GPU time by kernel, the most expensive first. */
export function kernelText(what: string, times: readonly KernelTime[]): string {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  const rows = times
    .filter(({ ms }) => ms > 0.001 * total)
    .map(({ label, ms, count }) => [label, ms.toFixed(2), String(count), `${((100 * ms) / total).toFixed(1)} %`]);
  return table([`kernels of ${what}: ${total.toFixed(1)} ms`, "ms", "dispatches", "share"], rows);
}
