/** Memory and processor time of a browser's processes, as Linux counts them. Elsewhere there are no figures. */
import { existsSync, readFileSync } from "node:fs";
import type { Browser } from "playwright";

const POLL_MS = 100;
/** USER_HZ, the same on every Linux that a browser runs on. */
const TICKS_A_SECOND = 100;

/** Resident bytes. On a software adapter the GPU's memory is the GPU process's. */
export interface Resident {
  page: number;
  gpu: number;
}

/** Reads memory and processor time of a browser's processes from /proc. */
export class Processes {
  readonly #pages: readonly number[];
  readonly #gpu: number;
  #peak: Resident = { page: 0, gpu: 0 };
  readonly #timer: NodeJS.Timeout;

  private constructor(pages: readonly number[], gpu: number) {
    this.#pages = pages;
    this.#gpu = gpu;
    this.restart();
    // The timer must not keep a failed command alive.
    this.#timer = setInterval(() => this.#poll(), POLL_MS).unref();
  }

  /** Finds the processes of pages, and that of the GPU; undefined where their memory cannot be read. */
  static async of(browser: Browser): Promise<Processes | undefined> {
    if (!existsSync("/proc/self/status")) return undefined;
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = (await session.send("SystemInfo.getProcessInfo" as never)) as unknown as {
      processInfo: { id: number; type: string }[];
    };
    const idsOf = (type: string) => processInfo.filter((process) => process.type === type).map(({ id }) => id);
    const [pages, gpus] = [idsOf("renderer"), idsOf("GPU")];
    // There may be a spare page process, whose memory does not change.
    return gpus[0] === undefined ? undefined : new Processes(pages, gpus[0]);
  }

  get now(): Resident {
    return { page: this.#pages.reduce((sum, id) => sum + resident(id), 0), gpu: resident(this.#gpu) };
  }

  /** The peak of each process since the last `restart`. */
  get peak(): Resident {
    this.#poll();
    return { ...this.#peak };
  }

  /**
   * Processor seconds of the GPU's process so far: on a software adapter its work, independent of the machine's load.
   */
  get gpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#gpu}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  restart(): void {
    this.#peak = this.now;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const { page, gpu } = this.now;
    this.#peak = { page: Math.max(page, this.#peak.page), gpu: Math.max(gpu, this.#peak.gpu) };
  }
}

function resident(id: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    // It ended.
    return 0;
  }
}
