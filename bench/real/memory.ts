/** Memory of all processes of a browser, as Linux counts it. Elsewhere there are no figures. */
import { readdirSync, readFileSync } from "node:fs";

/** Reading the memory of all processes takes tens of milliseconds of a core. */
const POLL_MS = 1000;

/** Bytes of a process and its descendants, shared pages in proportion; 0 if they cannot be read. */
function proportionalBytes(root: number): number {
  return family(root).reduce((sum, id) => sum + 1024 * numberIn(`/proc/${id}/smaps_rollup`, /^Pss:\s*(\d+)/m), 0);
}

function family(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readNames("/proc"))
    if (/^\d+$/.test(name)) parents.set(Number(name), numberIn(`/proc/${name}/status`, /^PPid:\s*(\d+)/m));
  const found = [root];
  for (const id of found) for (const [child, parent] of parents) if (parent === id) found.push(child);
  return found;
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function numberIn(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
  } catch {
    // The process ended, or this is not Linux.
    return 0;
  }
}

/** Watches a browser's memory from now on. */
export class MemoryWatch {
  readonly #root: number | undefined;
  readonly #before: number;
  #peak: number;
  readonly #timer: NodeJS.Timeout;

  constructor(root: number | undefined) {
    this.#root = root;
    this.#before = this.#now;
    this.#peak = this.#before;
    // The timer must not keep a failed command alive.
    this.#timer = setInterval(() => this.#poll(), POLL_MS).unref();
  }

  get #now(): number {
    return this.#root === undefined ? 0 : proportionalBytes(this.#root);
  }

  #poll(): void {
    this.#peak = Math.max(this.#peak, this.#now);
  }

  /** Growth since the start, in bytes: now, and at its peak. Undefined if memory cannot be read. */
  get growth(): { now: number; peak: number } | undefined {
    if (this.#before === 0) return undefined;
    this.#poll();
    return { now: this.#now - this.#before, peak: this.#peak - this.#before };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
