/**
 * Asks all open questions over several browsers, shows the remaining time, and stops after the current answer on
 * Ctrl-C.
 */
import type { ModelInfo } from "../src/api.ts";
import { groupBy } from "./group.ts";
import type { Asking, Interview, Respondent } from "./interview.ts";
import { duration, Progress, StatusLine } from "./progress.ts";

/** A model that is ready, in a browser of its own. */
export interface AnsweringPage extends Respondent {
  readonly info: ModelInfo;
  /** The build of the answering library. */
  readonly library: string;
  close(): Promise<void>;
}

export interface AskWork<One extends Asking> {
  openPage(): Promise<AnsweringPage>;
  browsers: number;
  /** Called with the model's description once it is loaded. */
  note(info: ModelInfo): void;
  /** Questions without a stored answer. */
  openItems(info: ModelInfo): One[];
  /** Items of one name stay together: the engine encodes their picture once. */
  groupOf(item: One): string;
  interviewOf(page: AnsweringPage): Interview<One>;
}

/** @returns true if all questions were asked without an interruption */
export async function askAll<One extends Asking>(work: AskWork<One>): Promise<boolean> {
  const stopped = interruption();
  const line = new StatusLine(process.stderr);
  line.show("Loading the model ...");
  const pages: AnsweringPage[] = [];
  try {
    pages.push(await work.openPage());
    const { info } = pages[0]!;
    work.note(info);
    const open = work.openItems(info);
    const groups = [...groupBy(open, work.groupOf).values()];
    while (pages.length < Math.min(work.browsers, groups.length)) pages.push(await work.openPage());
    const progress = new Progress(open.length);
    const start = performance.now();
    const askGroups = async (page: AnsweringPage) => {
      const interview = work.interviewOf(page);
      for (let group = groups.shift(); group; group = groups.shift())
        for (const item of group) {
          if (stopped.came()) return;
          await interview.answer(item).catch((error: Error) => {
            // Adds the file, which the engine does not know.
            throw new Error(`${item.picture.file}, setting ${item.setting.id}: ${error.message}`, { cause: error });
          });
          line.show(progress.step(`${item.setting.id}, ${item.picture.file}`));
        }
    };
    await Promise.all(pages.map(askGroups));
    if (stopped.came()) return false;
    line.clear();
    process.stderr.write(`${open.length} questions asked in ${duration(performance.now() - start)}\n`);
    return true;
  } finally {
    line.clear();
    stopped.end();
    await Promise.all(pages.map((page) => page.close()));
  }
}

/** Listens until `end`. After the first signal the answers in progress finish; the second ends the command. */
function interruption(): { came: () => boolean; end: () => void } {
  const signals = ["SIGINT", "SIGTERM"] as const;
  let isStopped = false;
  const listen = () => {
    if (isStopped) process.exit(130);
    isStopped = true;
  };
  for (const signal of signals) process.on(signal, listen);
  const end = () => {
    for (const signal of signals) process.off(signal, listen);
  };
  return { came: () => isStopped, end };
}
