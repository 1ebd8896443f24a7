/**
 * `npm run bench -- --real`: a published model in Fovea and in llama.cpp's WebAssembly, in turns, each in a fresh
 * browser. Measures load, prefill, decoding, memory and fetched bytes. Node only.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LIBRARY_ADDRESS, libraryPaths } from "../../tools/library-page.mjs";
import { addModule, callModule } from "../../tools/page-module.ts";
import { serve } from "../../tools/serve.mjs";
import { type BenchPage, type LaunchFirefox, launch } from "../browsers.ts";
import { conditions } from "../machine.ts";
import type { KernelTime } from "./kernel-times.mjs";
import { MemoryWatch } from "./memory.ts";
import type { RealRun } from "./options.mjs";
import { type DiskLoad, kernelText, type Measured, reportText } from "./report.ts";
import { ALL_SUBJECTS, type ModelForms, type Subject, servedFiles } from "./subjects.ts";

type Page = typeof import("./fovea-page.mjs");
type Message = Awaited<ReturnType<Page["question"]>>[number];

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));
/** WebAssembly gets threads in isolated pages only. */
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
/** Without these a measurement of scripts' memory waits for the next garbage collection, and timestamps are coarse. */
const FLAGS = ["--enable-blink-features=ForceEagerMeasureMemory", "--enable-webgpu-developer-features"];
/** Rows of the prompts. */
const PROMPT_ROWS = [46, 256] as const;
/** Prompts of the shorter length: the first one includes costs that the load did not prepare. */
const SHORT_PROMPTS = 2;

interface Questions {
  short: Message[][];
  long: Message[];
  kernels: Message[];
}

/**
 * @param args the command line, for the stored conditions
 * @returns the exit code. Throws an Error of one line if not a single subject ran.
 */
export async function main(
  run: RealRun,
  args: string[],
  forms: ModelForms,
  launchFirefox: LaunchFirefox,
): Promise<number> {
  const about = conditions(args);
  const bench = new RealBench(run, forms, launchFirefox);
  const questions = await bench.withPage(ALL_SUBJECTS[0]!, (page) => bench.questions(page));
  const chosen = ALL_SUBJECTS.filter(({ name }) => run.subjects.includes(name));
  const measured = new Map<Subject, Measured[]>();
  const failures: string[] = [];
  for (let round = 1; round <= run.rounds; round++)
    for (const subject of chosen) {
      if (failures.some((failure) => failure.startsWith(`${subject.name}:`))) continue;
      process.stderr.write(`${subject.name}, round ${round} of ${run.rounds} ...\n`);
      try {
        if (run.kernels) process.stdout.write(await bench.withPage(subject, (page) => bench.kernels(page, questions)));
        else measured.set(subject, [...(measured.get(subject) ?? []), await bench.measure(subject, questions)]);
      } catch (error) {
        // A subject that does not run here is also a result.
        const reason = `${subject.name}: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
        process.stderr.write(`${reason}\n`);
        failures.push(reason);
      }
    }
  if (run.kernels) return failures.length > 0 ? 1 : 0;
  if (measured.size === 0) throw new Error(`no subject ran: ${failures.join("; ")}`);
  const disk = chosen.some(({ name }) => name === "fovea-gguf")
    ? await bench.withPage(ALL_SUBJECTS[0]!, (page, origin) => bench.diskLoad(page, origin))
    : undefined;
  const report = reportText({ about, run, measured, failures, disk });
  process.stdout.write(report);
  writeFileSync(`${RESULTS}real-smollm2-135m-${run.browser}.md`, report);
  return 0;
}

type Call = <Name extends keyof Page & string>(
  name: Name,
  argument: Parameters<Page[Name]>[0],
) => Promise<Awaited<ReturnType<Page[Name]>>>;

/** A subject's page in a browser of its own. */
interface OpenPage {
  call: Call;
  /** Loads the subject. */
  load(): ReturnType<Page["load"]>;
  memory: MemoryWatch;
  /** Bytes of the model that the server has sent. */
  sent(): number;
}

class RealBench {
  readonly #run: RealRun;
  readonly #forms: ModelForms;
  readonly #launchFirefox: LaunchFirefox;

  constructor(run: RealRun, forms: ModelForms, launchFirefox: LaunchFirefox) {
    this.#run = run;
    this.#forms = forms;
    this.#launchFirefox = launchFirefox;
  }

  /** Runs `body` with a new browser and server, and ends both. */
  async withPage<T>(subject: Subject, body: (page: OpenPage, origin: string) => Promise<T>): Promise<T> {
    let sentBytes = 0;
    const onSent = (path: string, bytes: number) => {
      if (/^\/(gguf|f16|q4)\//.test(path)) sentBytes += bytes;
    };
    const pages = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));
    const paths = { ...libraryPaths(), ...servedFiles(this.#forms, pages) };
    const server = await serve(paths, { headers: ISOLATED, onSent });
    const browser = await launch(this.#run.browser, this.#launchFirefox, FLAGS);
    let memory: MemoryWatch | undefined;
    try {
      let onCrash = () => {};
      const crashed = new Promise<never>((_, reject) => {
        onCrash = () => reject(new Error("the browser's page crashed"));
      });
      crashed.catch(() => {});
      const page = await browser.newPage({ onInfo: () => {}, onCrash });
      await page.goto(`${server.origin}/`);
      await addModule(page, subject.page);
      memory = new MemoryWatch(await browser.processId());
      const call: Call = (name, argument) => Promise.race([crashed, callOf(page, name, argument)]);
      const request = subject.request(server.origin, this.#run.kernels);
      const load = () => call("load", request as Parameters<Page["load"]>[0]);
      return await body({ call, load, memory, sent: () => sentBytes }, server.origin);
    } finally {
      memory?.close();
      await browser.close().catch(() => {});
      server.close();
    }
  }

  /** The questions, with lengths in tokens of this model. */
  async questions({ call, load }: OpenPage): Promise<Questions> {
    await load();
    const [short, long] = PROMPT_ROWS;
    const messages: Message[][] = [];
    for (let number = 0; number < SHORT_PROMPTS; number++)
      messages.push(await call("question", { rows: short, number }));
    return {
      short: messages,
      long: await call("question", { rows: long, number: SHORT_PROMPTS }),
      kernels: await call("question", { rows: short, number: SHORT_PROMPTS + 1 }),
    };
  }

  measure(subject: Subject, { short, long }: Questions): Promise<Measured> {
    return this.withPage(subject, async ({ call, load, memory, sent }) => {
      const loaded = await load();
      const sentBytes = sent();
      const answers = [];
      for (const messages of short) answers.push(await call("ask", { messages, maxTokens: this.#run.tokens }));
      const longAnswer = await call("ask", { messages: long, maxTokens: 2 });
      return {
        loaded,
        sentBytes,
        short: answers,
        long: longAnswer,
        heap: await call("heapBytes", undefined as never),
        memory: memory.growth,
      };
    });
  }

  diskLoad({ call }: OpenPage, origin: string): Promise<DiskLoad> {
    const model = `${origin}/gguf/model.gguf`;
    return call("loadFromDisk", { library: LIBRARY_ADDRESS, model, rounds: Math.max(3, this.#run.rounds) });
  }

  /** The table of kernels, as text. */
  async kernels({ call, load }: OpenPage, { kernels: messages }: Questions): Promise<string> {
    const { about } = await load();
    const { prefill, tokens } = await call("kernelTimes", { messages });
    const perToken = tokens.times.map((time): KernelTime => ({ ...time, ms: time.ms / tokens.asked.newTokens }));
    return `\n${about}\n\n${kernelText(`${prefill.asked.ranTokens} rows and one token`, prefill.times)}\n\n${kernelText("a token", perToken)}\n`;
  }
}

function callOf<Name extends keyof Page & string>(page: BenchPage, name: Name, argument: Parameters<Page[Name]>[0]) {
  return callModule<Page, Name>(page, name, argument);
}
