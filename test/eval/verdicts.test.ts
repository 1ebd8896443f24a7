/**
 * Training and evaluation judge alike: the verdicts that training's judges (Python) wrote beside the evaluation set are
 * those of the evaluation's.
 */
import { describe, expect, test } from "vitest";
import { follows, followsLoosely, type Instruction, TASK_NAMES } from "../../eval/instruction-checks.ts";
import { type ClosedSets, type Expectation, isRight } from "../../eval/question-checks.ts";
import { readSource } from "../support/sources.ts";

type Verdict = { answer: string } & (
  | (Expectation & { right: boolean })
  | { task: Instruction; strict: boolean; loose: boolean }
);

const { cases } = JSON.parse(readSource("eval/set/verdicts.json")) as { cases: Verdict[] };
const { closed } = JSON.parse(readSource("eval/set/eval.json")) as { closed: ClosedSets };
const questions = cases.filter((verdict) => "right" in verdict);
const instructions = cases.filter((verdict) => "task" in verdict);

describe("answers to questions", () => {
  test("are judged alike", () => {
    const different = questions.filter((verdict) => isRight(verdict, closed, verdict.answer) !== verdict.right);
    expect(different).toEqual([]);
  });

  test.for(Object.keys(closed))("right and wrong ones are among those about %s", (only) => {
    const verdicts = questions.filter((verdict) => verdict.only === only).map(({ right }) => right);
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
  });
});

describe("answers to instructions", () => {
  test("are checked alike", () => {
    const different = instructions.filter(
      ({ task, answer, strict, loose }) => follows(task, answer) !== strict || followsLoosely(task, answer) !== loose,
    );
    expect(different).toEqual([]);
  });

  test.for(Object.keys(TASK_NAMES))("passing and failing ones are among those of task %s", (number) => {
    const verdicts = instructions.filter(({ task }) => task.task === Number(number)).map(({ strict }) => strict);
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
  });

  test("some pass only loosely", () => {
    expect(instructions.filter(({ strict, loose }) => loose && !strict).length).toBeGreaterThan(5);
  });
});
