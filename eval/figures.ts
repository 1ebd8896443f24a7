/** The report's figures as data, for comparing runs and for other plots. */
import type { ModelInfo } from "../src/api.ts";
import { TASK_NAMES } from "./instruction-checks.ts";
import type { ModelSource } from "./model-source.ts";
import type { Results, Scope } from "./results.ts";
import { accuracy, gain, looseSuccess, meanTokens, onTask, onTopic, rightSuccess, share, success } from "./score.ts";
import { PLAIN, type Setting } from "./settings.ts";
import { type Estimate, rounded } from "./statistics.ts";

type Figure = Pick<Estimate, "mean" | "count"> & { error: number | null };

/** Plain data: shares from 0 to 1 with their standard errors and the number of answers. */
export function figures(results: Results, model: ModelSource, info: ModelInfo): object {
  return {
    model: { name: model.name, hash: model.hash, parameters: info.parameters, imageTokens: info.imageTokens },
    adapter: info.adapter,
    settings: results.settings.map((setting) => settingFigures(results, setting)),
    byHand: results.byHand.map(({ item, record, right }) => ({
      setting: item.setting.id,
      picture: item.picture.file,
      prompt: item.question.prompt,
      answer: record.answer,
      right,
    })),
  };
}

function settingFigures(results: Results, { id, title, compression, inhibition }: Setting): object {
  const verdicts = results.of(id);
  const topics = [...new Set(verdicts.flatMap(({ item, followed }) => (followed ? [] : [item.question.topic])))];
  const tasks = Object.keys(TASK_NAMES).map((number) => Number(number) as keyof typeof TASK_NAMES);
  return {
    id,
    title,
    compression,
    inhibition,
    imageTokens: meanTokens(verdicts),
    millisecondsPerAnswer: Math.round(
      verdicts.reduce((sum, { record }) => sum + record.milliseconds, 0) / verdicts.length,
    ),
    all: totals(results, id, "all"),
    shared: totals(results, id, "shared"),
    topics: Object.fromEntries(topics.map((topic) => [topic, figure(share(onTopic(verdicts, topic), accuracy))])),
    tasks: Object.fromEntries(tasks.map((task) => [task, figure(share(onTask(verdicts, task), success))])),
  };
}

function totals(results: Results, id: string, scope: Scope): object {
  const verdicts = results.of(id, scope);
  const plain = results.of(PLAIN, scope);
  return {
    questions: figure(share(verdicts, accuracy)),
    questionsGain: figure(gain(verdicts, plain, accuracy)),
    instructions: figure(share(verdicts, success)),
    instructionsGain: figure(gain(verdicts, plain, success)),
    instructionsLoose: figure(share(verdicts, looseSuccess)),
    instructionsAndRight: figure(share(verdicts, rightSuccess)),
  };
}

/** Six digits exceed the precision of the errors; null if there is nothing to measure. */
function figure({ mean, error, count }: Estimate): Figure | null {
  if (count === 0) return null;
  return { mean: rounded(mean), error: Number.isNaN(error) ? null : rounded(error), count };
}
