/** `npm run eval` from its arguments to the report: reads the sets, asks the open questions, writes the report. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ModelInfo } from "../src/api.ts";
import { root } from "../tools/library.mjs";
import { type AnsweringPage, askAll } from "./ask-all.ts";
import { ModelPage, pictureAddress } from "./browser.ts";
import { Interview, knownAnswer } from "./interview.ts";
import { Journal } from "./journal.ts";
import { readInfo, writeInfo } from "./model-info.ts";
import { findModel, type ModelSource } from "./model-source.ts";
import type { EvalOptions } from "./options.mjs";
import { type Item, planItems, type Sets } from "./plan.ts";
import { writeReport } from "./report.ts";
import { readSet } from "./set.ts";
import { chooseSettings, settingsFor } from "./settings.ts";

/**
 * @param args the command line, for the report
 * @param ensureLibrary builds the library unless it is that of the sources
 * @returns the exit code. Throws an Error of one line on failure.
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
    // Checks names before anything is built or loaded; the settings' names do not depend on the number of patches.
    chooseSettings(settingsFor(1), options.settings);
    const work = { options, model, sets, journal };
    const known = readInfo(about, model);
    if (!known || openItems(work, known).length > 0) {
      await ensureLibrary();
      const note = (info: ModelInfo) => writeInfo(about, model, info);
      const isFinished = await ask(work, note);
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

/** The items without a stored answer. */
function openItems({ options, model, sets, journal }: Work, { imageTokens }: ModelInfo): Item[] {
  const settings = chooseSettings(settingsFor(imageTokens), options.settings);
  return planItems(settings, sets, options.limit).filter((item) => !knownAnswer(journal, model.hash, item));
}

/** @returns true if all questions were asked without an interruption */
function ask(work: Work, note: (info: ModelInfo) => void): Promise<boolean> {
  const { options, model, sets } = work;
  const pictures = { drawn: sets.drawn.folder, byHand: sets.byHand.folder };
  return askAll<Item>({
    openPage: () => ModelPage.open({ ...model, pictures }),
    browsers: options.browsers,
    note,
    openItems: (info) => openItems(work, info),
    groupOf: ({ setting, set, picture }) => `${setting.id} ${set.folder} ${picture.file}`,
    interviewOf: (page) => interviewOf(work, page),
  });
}

function interviewOf({ model, sets, journal }: Work, page: AnsweringPage): Interview<Item> {
  return new Interview({
    respondent: page,
    journal,
    model: model.hash,
    library: page.library,
    adapter: page.info.adapter,
    addressOf: ({ set, picture }: Item) => pictureAddress(set === sets.drawn ? "drawn" : "byHand", picture.file),
  });
}
