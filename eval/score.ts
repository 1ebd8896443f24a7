/** Every answer with its verdict, and the figures of a setting. tables.ts compares them. */
import { groupBy } from "./group.ts";
import { follows, followsLoosely, type Instruction } from "./instruction-checks.ts";
import type { AnswerRecord } from "./journal.ts";
import type { Item } from "./plan.ts";
import { isRight } from "./question-checks.ts";
import { type Estimate, pairedDifference, proportion, type Sample } from "./statistics.ts";

/** An answer and its verdict. */
export interface Verdict {
  item: Item;
  record: AnswerRecord;
  /** The answer is true of the picture. */
  right: boolean;
  /** The answer follows its instruction; undefined for a plain question. */
  followed: { strict: boolean; loose: boolean } | undefined;
}

/** Judges an answer: is it right, and does it follow its instruction. */
export function judge(item: Item, record: AnswerRecord): Verdict {
  const { question, set } = item;
  const { task } = question;
  const { answer } = record;
  return {
    item,
    record,
    right: isRight(question, set.closed, answer),
    followed: task ? { strict: follows(task, answer), loose: followsLoosely(task, answer) } : undefined,
  };
}

/** The criterion of success. */
export type Measure = (verdict: Verdict) => boolean | undefined;

/** Plain questions whose answer is right. */
export const accuracy: Measure = ({ right, followed }) => (followed ? undefined : right);
/** Instructions that were followed to the letter, true or not, as the paper counts. */
export const success: Measure = ({ followed }) => followed?.strict;
export const looseSuccess: Measure = ({ followed }) => followed?.loose;
/** Instructions that were followed by an answer that is right as well. */
export const rightSuccess: Measure = ({ right, followed }) => followed?.strict && right;

/** The answers that a measure is about, as scores by question. */
function samplesOf(verdicts: readonly Verdict[], measure: Measure): Map<string, Sample> {
  return new Map(
    verdicts.flatMap((verdict) => {
      const isSuccess = measure(verdict);
      const { picture, question } = verdict.item;
      const sample = { cluster: picture.file, value: Number(isSuccess) };
      return isSuccess === undefined ? [] : [[`${picture.file} ${question.prompt}`, sample] as const];
    }),
  );
}

/** The share of the questions that succeed by this measure, with its error. */
export function share(verdicts: readonly Verdict[], measure: Measure): Estimate {
  return proportion([...samplesOf(verdicts, measure).values()]);
}

/** The gain of `a` over `b` on the questions of both. */
export function gain(a: readonly Verdict[], b: readonly Verdict[], measure: Measure): Estimate {
  return pairedDifference(samplesOf(a, measure), samplesOf(b, measure));
}

/** Verdicts on one topic of plain questions. */
export function onTopic(verdicts: readonly Verdict[], topic: string): Verdict[] {
  return verdicts.filter(({ item, followed }) => !followed && item.question.topic === topic);
}

/** The verdicts of one instruction. */
export function onTask(verdicts: readonly Verdict[], task: Instruction["task"]): Verdict[] {
  return verdicts.filter(({ item }) => item.question.task?.task === task);
}

/** Mean number of image tokens that the decoder read, or of the description's if it read no others. */
export function meanTokens(verdicts: readonly Verdict[]): number {
  return verdicts.reduce((sum, { record }) => sum + record.imageTokens, 0) / verdicts.length;
}

/**
 * The share of right answers if every question on a topic gets the same answer, the best of the set's own for that
 * topic. A model that understands the question and sees no picture reaches this.
 */
export function blindAccuracy(verdicts: readonly Verdict[]): number {
  const items = verdicts.filter(({ followed }) => !followed).map(({ item }) => item);
  const right = [...groupBy(items, ({ question }) => question.topic).values()].map((asked) => {
    const answers = new Set(asked.flatMap(({ question }) => question.reference ?? []));
    const counts = [...answers].map(
      (answer) => asked.filter(({ question, set }) => isRight(question, set.closed, answer)).length,
    );
    return Math.max(0, ...counts);
  });
  return right.reduce((sum, count) => sum + count, 0) / items.length;
}
