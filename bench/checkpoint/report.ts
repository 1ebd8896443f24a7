/** What happened to a checkpoint, line by line as it happens, and whether the bounds held. */
import { table } from "../../eval/markdown.ts";
import type { SyntheticCheckpoint } from "../../test/support/synthetic/checkpoint.ts";
import { idsOf } from "../../test/support/synthetic/tokenizer.ts";
import type { Conditions } from "../machine.ts";
import type { Resident } from "./processes.ts";

type PageModule = typeof import("./page.mjs");
type Planned = Awaited<ReturnType<PageModule["plan"]>>;
type Loaded = Awaited<ReturnType<PageModule["load"]>>;
type Answered = Awaited<ReturnType<PageModule["ask"]>>;

/** Of weights and KV cache together; more than this beside them is waste. */
const MOST_BESIDE = 0.15;

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

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
    this.#line("download, as planned", `${megabytes(downloadBytes)} in ${files.length} files`);
    this.#line("read for the plan", megabytes(sentBytes));
    const parts = [
      `weights ${megabytes(gpu.weightBytes)}`,
      `KV ${megabytes(gpu.cacheBytes)} for ${contextLength} tokens`,
    ];
    this.#line(
      "GPU memory, as planned",
      `${megabytes(gpu.totalBytes)}: ${parts.join(", ")}, besides ${megabytes(gpu.workingBytes)}`,
    );
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
    this.#line(
      "GPU memory, taken",
      `${megabytes(memory.gpuBytes)}, at most ${megabytes(memory.peakGpuBytes)}; ${percent(memory.gpuBytes / gpu.totalBytes - 1)} off the plan`,
    );
    this.#bound("weights on the GPU", info.weightBytes, gpu.weightBytes, "bytes planned");
  }

  /** Tells how long the GPU's process worked since the last call; `soFar` in seconds, undefined where nobody knows. */
  processor(soFar: number | undefined): void {
    if (soFar !== undefined && this.#processor !== undefined)
      this.#line("processor time of the GPU's process", `${(soFar - this.#processor).toFixed(1)} s`);
    this.#processor = soFar;
  }

  /** Before loading, and at most while loading. */
  memory(before: Resident, peak: Resident): void {
    const two = 2 * this.#largestTensor;
    this.#line("largest tensor of the files", megabytes(this.#largestTensor));
    this.#bound("the page's process, more than before", peak.page - before.page, two, "two tensors");
    this.#line("the GPU's process, more than before", megabytes(peak.gpu - before.gpu));
  }

  answer({ text, times, reason, stats, memory, work, submits }: Answered): void {
    const { gpu } = this.#planned!;
    const ids = idsOf(text);
    // Bytes and words have a text of their own.
    const told = ids.length < stats.newTokens ? JSON.stringify(text) : ids.join(" ");
    this.#line("answer, as token ids", `${told} (${stats.newTokens} tokens, ended by ${reason})`);
    this.#line(
      "image tokens",
      `${stats.imageTokensBefore} -> ${stats.imageTokensAfter}, prompt of ${stats.promptTokens} tokens`,
    );
    const phases = [`vision ${seconds(stats.visionMs)}`, `prefill ${seconds(stats.prefillMs)}`];
    const steps = times.slice(1).map((time, i) => time - times[i]!);
    const step = steps.length > 0 ? `, a token ${seconds(steps.reduce((sum, each) => sum + each) / steps.length)}` : "";
    this.#line("time", `${phases.join(", ")}${step}`);
    const passes = Object.entries(work).map(([label, { passes, dispatches }]) => `${label} ${dispatches} in ${passes}`);
    this.#line("dispatches in passes", `${passes.join(", ")}; ${submits} submits`);
    this.#line("GPU memory at most", megabytes(memory.peakGpuBytes));
    const needed = gpu.weightBytes + gpu.cacheBytes;
    const beside = memory.peakGpuBytes - needed;
    // The working memory is that of a layer, whatever their number: a part of a model says nothing here.
    if (this.#isWhole) this.#bound("beside weights and KV cache", beside, MOST_BESIDE * needed, "15 % of them");
    else this.#line("beside weights and KV cache", megabytes(beside));
  }

  /** Whether all bounds held. */
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

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)} %`;
}
