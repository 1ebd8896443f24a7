/** Asks all open questions over several browsers, shows how long it will take, and stops after the current answer on Ctrl-C. */
import type { ModelInfo } from "../src/api.ts";
import type { ModelPage } from "./browser.ts";
import { groupBy } from "./group.ts";
import type { Asking, Interview } from "./interview.ts";
import { duration, Progress, StatusLine } from "./progress.ts";

export interface AskWork<One extends Asking> {
  openPage(): Promise<ModelPage>;
  browsers: number;
  /** Called with the model's description once it is loaded. */
  note(info: ModelInfo): void;
  /** Questions without a stored answer. */
  openItems(info: ModelInfo): One[];
  /** Items of one name stay together: the engine encodes their picture once. */
  groupOf(item: One): string;
  interviewOf(page: ModelPage): Interview<One>;
}

/** @returns whether everything was asked, and no signal came in between */
export async function askAll<One extends Asking>(work: AskWork<One>): Promise<boolean> {
  const stopped = interruption();
  const line = new StatusLine(process.stderr);
  line.show("Loading the model ...");
  const pages = [await work.openPage()];
  try {
    const { info } = pages[0]!;
    work.note(info);
    const open = work.openItems(info);
    const groups = [...groupBy(open, work.groupOf).values()];
    while (pages.length < Math.min(work.browsers, groups.length)) pages.push(await work.openPage());
    const progress = new Progress(open.length);
    const start = performance.now();
    const askGroups = async (page: ModelPage) => {
      const interview = work.interviewOf(page);
      for (let group = groups.shift(); group; group = groups.shift())
        for (const item of group) {
          if (stopped()) return;
          await interview.answer(item);
          line.show(progress.step(`${item.setting.id}, ${item.picture.file}`));
        }
    };
    await Promise.all(pages.map(askGroups));
    if (stopped()) return false;
    line.clear();
    process.stderr.write(`${open.length} questions asked in ${duration(performance.now() - start)}\n`);
    return true;
  } finally {
    line.clear();
    await Promise.all(pages.map((page) => page.close()));
  }
}

/** Tells whether a signal came. The first one lets the answers in progress be finished, the second ends the command. */
function interruption(): () => boolean {
  let came = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      came = true;
      process.once(signal, () => process.exit(130));
    });
  return () => came;
}
