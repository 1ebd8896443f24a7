/** `npm run eval` from its arguments to the report: reads the sets, asks what was not asked yet, writes what came out. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelInfo } from "../src/api.ts";
import { root } from "../tools/library.mjs";
import { ModelPage, pictureAddress } from "./browser.ts";
import { groupBy } from "./group.ts";
import { Interview, knownAnswer } from "./interview.ts";
import { Journal } from "./journal.ts";
import { findModel, type ModelSource } from "./model-source.ts";
import type { EvalOptions } from "./options.mjs";
import { type Item, planItems, type Sets } from "./plan.ts";
import { duration, Progress, StatusLine } from "./progress.ts";
import { writeReport } from "./report.ts";
import { readSet } from "./set.ts";
import { chooseSettings, settingsFor } from "./settings.ts";

/**
 * @param args the command line, for the report
 * @param ensureLibrary builds the library unless it is that of the sources
 * @returns the exit code. Throws an Error of one line for whatever went wrong.
 */
export async function main(options: EvalOptions, args: string[], ensureLibrary: () => Promise<void>): Promise<number> {
  const model = await findModel(options.model, options.weights);
  const drawn = readSet(`${root}eval/set`);
  const sets = { drawn, byHand: readSet(`${root}eval/by-hand`, drawn.closed) };
  const out = options.out ?? `${root}eval/report`;
  const answers = join(out, "answers.jsonl");
  if (options.fresh) rmSync(answers, { force: true });
  const journal = new Journal(answers);
  const about = join(out, "model.json");
  if (!options.reportOnly) {
    // A wrong name is told before anything is built or loaded; the settings' names are those of any number of patches.
    chooseSettings(settingsFor(1), options.settings);
    const work = { options, model, sets, journal };
    const known = readInfo(about, model);
    if (!known || openItems(work, known).length > 0) {
      await ensureLibrary();
      const note = (info: ModelInfo) => writeFileSync(about, JSON.stringify({ hash: model.hash, info }));
      const isFinished = await askAll(work, note);
      if (!isFinished) return 130;
    }
  }
  const info = readInfo(about, model);
  if (!info) throw new Error(`--report: no stored answers of this model (${about}); run without --report first`);
  const written = writeReport({ out, model, info, sets, journal, args });
  process.stdout.write(`${written.summary}\n${written.files.join("\n")}\n`);
  return 0;
}

interface Work {
  options: EvalOptions;
  model: ModelSource;
  sets: Sets;
  journal: Journal;
}

/** What the model said of itself when it was last asked; undefined if that was another, or none. */
function readInfo(file: string, model: ModelSource): ModelInfo | undefined {
  if (!existsSync(file)) return undefined;
  const { hash, info } = JSON.parse(readFileSync(file, "utf8")) as { hash: string; info: ModelInfo };
  return hash === model.hash ? info : undefined;
}

/** What is still to be asked. */
function openItems({ options, model, sets, journal }: Work, { imageTokens }: ModelInfo): Item[] {
  const settings = chooseSettings(settingsFor(imageTokens), options.settings);
  return planItems(settings, sets, options.limit).filter((item) => !knownAnswer(journal, model.hash, item));
}

/**
 * @param note hears what the model says of itself once it is loaded
 * @returns whether everything was asked, and no signal came in between
 */
async function askAll(work: Work, note: (info: ModelInfo) => void): Promise<boolean> {
  const { options, model, sets } = work;
  const pictures = { drawn: sets.drawn.folder, byHand: sets.byHand.folder };
  const stopped = interruption();
  const line = new StatusLine(process.stderr);
  line.show("Loading the model ...");
  const pages = [await ModelPage.open({ ...model, pictures })];
  try {
    const { info } = pages[0]!;
    note(info);
    const open = openItems(work, info);
    // A picture's questions under one setting stay together: the engine encodes it once.
    const groups = [
      ...groupBy(open, ({ setting, set, picture }) => `${setting.id} ${set.folder} ${picture.file}`).values(),
    ];
    while (pages.length < Math.min(options.browsers, groups.length))
      pages.push(await ModelPage.open({ ...model, pictures }));
    const progress = new Progress(open.length);
    const start = performance.now();
    const askGroups = async (page: ModelPage) => {
      const interview = interviewOf(work, page);
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

function interviewOf({ model, sets, journal }: Work, page: ModelPage): Interview {
  return new Interview({
    respondent: page,
    journal,
    model: model.hash,
    library: readFileSync(`${root}dist/lib.stamp`, "utf8").slice(0, 12),
    adapter: page.info.adapter,
    addressOf: ({ set, picture }: Item) => pictureAddress(set === sets.drawn ? "drawn" : "byHand", picture.file),
  });
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
