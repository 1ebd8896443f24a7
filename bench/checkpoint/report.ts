/** Prints the stages of a checkpoint's run, line by line, and checks the bounds. */
import { table } from "../../eval/markdown.ts";
import type { SyntheticCheckpoint } from "../../test/support/synthetic/checkpoint.ts";
import { idsOf } from "../../test/support/synthetic/tokenizer.ts";
import type { Conditions } from "../machine.ts";
import type { Resident } from "./processes.ts";

type PageModule = typeof import("./page.mjs");
type Planned = Awaited<ReturnType<PageModule["plan"]>>;
type Loaded = Awaited<ReturnType<PageModule["load"]>>;
type Answered = Awaited<ReturnType<PageModule["ask"]>>;

/** Allowed memory besides weights and KV cache, as a share of both. */
const MOST_BESIDE = 0.15;
/** A page grows by 260 to 390 MB while it loads any checkpoint: its own code, pieces in flight, and garbage. */
const PAGE_BYTES = 400e6;

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Prints each stage as it ends, and collects the bounds that were exceeded. */
export class Report {
  readonly #isWhole: boolean;
  readonly #largestTensor: number;
  #planned: Planned | undefined;
  #holds = true;
  readonly #lines: [what: string, value: string][] = [];
  #processor: number | undefined;

  constructor(
    { name, about, isWhole }: { name: string; about: string; isWhole: boolean },
    { shards }: SyntheticCheckpoint,
  ) {
    this.#isWhole = isWhole;
    this.#largestTensor = Math.max(...shards.flatMap(({ tensors }) => tensors.map(({ start, end }) => end - start)));
    this.#line(name, about);
  }

  plan(planned: Planned, sentBytes: number): void {
    this.#planned = planned;
    const { downloadBytes, files, gpu, contextLength } = planned;
    this.#line("download, planned", `${megabytes(downloadBytes)} in ${files.length} files`);
    this.#line("read for the plan", megabytes(sentBytes));
    const parts = [
      `weights ${megabytes(gpu.weightBytes)}`,
      `KV ${megabytes(gpu.cacheBytes)} for ${contextLength} tokens`,
    ];
    this.#line(
      "GPU memory, planned",
      `${megabytes(gpu.totalBytes)}: ${parts.join(", ")}, working memory ${megabytes(gpu.workingBytes)}`,
    );
    this.#line("the largest picture, planned", `${megabytes(gpu.pictureBytes)} more`);
  }

  load({ info, memory, milliseconds, stages }: Loaded, sentBytes: number): void {
    const { gpu } = this.#planned!;
    this.#line("adapter", `${info.adapter}, weights as ${info.weights}`);
    const rate = sentBytes / 1e6 / ((milliseconds - (stages.weights ?? 0)) / 1000);
    this.#line("downloaded", `${megabytes(sentBytes)}, ${rate.toFixed(0)} MB/s with packing`);
    this.#line(
      "loaded in",
      `${seconds(milliseconds)}, of which the weights ${seconds((stages.compile ?? 0) - (stages.weights ?? 0))}`,
    );
    const isPlanned = memory.gpuBytes === gpu.totalBytes;
    this.#holds &&= isPlanned;
    const verdict = isPlanned ? "as planned, to the byte" : `NOT THE ${gpu.totalBytes} BYTES PLANNED`;
    this.#line("GPU memory, taken", `${memory.gpuBytes} bytes, ${verdict}; peak ${megabytes(memory.peakGpuBytes)}`);
    this.#bound("weights on the GPU", info.weightBytes, gpu.weightBytes, "bytes planned");
  }

  /** Prints the processor time of the GPU process since the last call; `soFar` in seconds, undefined if unknown. */
  processor(soFar: number | undefined): void {
    if (soFar !== undefined && this.#processor !== undefined)
      this.#line("processor time of the GPU process", `${(soFar - this.#processor).toFixed(1)} s`);
    this.#processor = soFar;
  }

  /** Memory of the processes before loading, and the peak while loading. */
  memory(before: Resident, peak: Resident): void {
    const most = Math.max(2 * this.#largestTensor, PAGE_BYTES);
    this.#line("largest tensor of the files", megabytes(this.#largestTensor));
    this.#bound("page process, growth", peak.page - before.page, most, "two tensors, or 400 MB");
    this.#line("GPU process, growth", megabytes(peak.gpu - before.gpu));
  }

  answer({ text, times, reason, stats, memory, work, submits }: Answered): void {
    const { gpu } = this.#planned!;
    const ids = idsOf(text);
    // Byte and word tokens decode to plain text instead of ids; then the text is shown.
    const shown = ids.length < stats.newTokens ? JSON.stringify(text) : ids.join(" ");
    this.#line("answer, as token ids", `${shown} (${stats.newTokens} tokens, ended by ${reason})`);
    const views = stats.pictures.reduce((sum, picture) => sum + picture.views, 0);
    this.#line(
      "image tokens",
      `${stats.imageTokensBefore} -> ${stats.imageTokensAfter} of ${views} view${views > 1 ? "s" : ""}, prompt of ${stats.promptTokens} tokens`,
    );
    const phases = [`vision ${seconds(stats.visionMs)}`, `prefill ${seconds(stats.prefillMs)}`];
    const steps = times.slice(1).map((time, i) => time - times[i]!);
    const step = steps.length > 0 ? `, a token ${seconds(steps.reduce((sum, each) => sum + each) / steps.length)}` : "";
    this.#line("time", `${phases.join(", ")}${step}`);
    const passes = Object.entries(work).map(([label, { passes, dispatches }]) => `${label} ${dispatches} in ${passes}`);
    this.#line("dispatches in passes", `${passes.join(", ")}; ${submits} submits`);
    this.#bound("GPU memory, peak", memory.peakGpuBytes, gpu.totalBytes + gpu.pictureBytes, "planned, largest picture");
    const needed = gpu.weightBytes + gpu.cacheBytes;
    const beside = memory.peakGpuBytes - needed;
    // Working memory does not depend on the number of layers, so a partial model cannot be judged.
    if (this.#isWhole) this.#bound("besides weights and KV cache", beside, MOST_BESIDE * needed, "15 % of them");
    else this.#line("besides weights and KV cache", megabytes(beside));
  }

  /** @returns true if all bounds held */
  finish(): boolean {
    if (!this.#holds) this.#line("result", "a bound was broken");
    return this.#holds;
  }

  markdown({ date, command, machine, loadBefore }: Required<Conditions>): string {
    const [[name, about] = ["", ""], ...rows] = this.#lines;
    return `# ${name} with random values\n\n${about}. ${date}, \`${command}\`; ${machine}, load before ${loadBefore.toFixed(1)}.\n\n${table(["figure", "value"], rows)}\n`;
  }

  #bound(what: string, bytes: number, most: number, name: string): void {
    const holds = bytes <= most;
    this.#holds &&= holds;
    this.#line(what, `${megabytes(bytes)}, ${holds ? "within" : "MORE THAN"} ${megabytes(most)} (${name})`);
  }

  #line(what: string, value: string): void {
    this.#lines.push([what, value]);
    console.log(`${what.padEnd(36)} ${value}`);
  }
}
