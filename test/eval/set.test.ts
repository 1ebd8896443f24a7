/** The sets in the repository: large enough, whole, answerable, and small enough to be cloned. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SCENES } from "../../eval/by-hand/scenes.mjs";
import { follows, TASK_NAMES } from "../../eval/instruction-checks.ts";
import { isRight } from "../../eval/question-checks.ts";
import { type Question, type QuestionSet, readSet } from "../../eval/set.ts";
import { projectRoot } from "../support/command.ts";
import { filesBelow } from "../support/sources.ts";

const drawn = readSet(join(projectRoot, "eval/set"));
const byHand = readSet(join(projectRoot, "eval/by-hand"), drawn.closed);

function questionsOf({ pictures }: QuestionSet): Question[] {
  return pictures.flatMap(({ questions }) => questions);
}

describe("the drawn set", () => {
  const questions = questionsOf(drawn);

  test("has at least 600 plain questions, spread over the topics", () => {
    const topics = new Map<string, number>();
    const plain = questions.filter(({ task }) => task === null);
    for (const { topic } of plain) topics.set(topic, (topics.get(topic) ?? 0) + 1);
    expect(plain.length).toBeGreaterThanOrEqual(600);
    expect(topics.size).toBe(9);
    expect(Math.min(...topics.values())).toBeGreaterThan(40);
  });

  test("has 25 instructions of each task", () => {
    const counts = Object.keys(TASK_NAMES).map(
      (task) => questions.filter((one) => String(one.task?.task) === task).length,
    );
    expect(counts).toEqual(Array(16).fill(25));
  });

  test("can be answered: its own answers are right and follow their instructions", () => {
    const wrong = questions.filter(
      ({ reference = "", task, ...expectation }) =>
        !isRight(expectation, drawn.closed, reference) || (task && !follows(task, reference)),
    );
    expect(wrong).toEqual([]);
  });

  test("has another picture each time", () => {
    expect(new Set(drawn.pictures.map(({ hash }) => hash)).size).toBe(drawn.pictures.length);
  });
});

describe("the pictures made by hand", () => {
  test("are the scenes, each with a question", () => {
    expect(byHand.pictures.map(({ file }) => file)).toEqual(SCENES.map(({ file }) => file));
    expect(byHand.pictures.filter(({ questions }) => questions.length === 0)).toEqual([]);
    expect(byHand.pictures.length).toBe(10);
  });

  test("ask about words that the judge knows", () => {
    for (const { need, only, allow } of questionsOf(byHand)) {
      const answer = need.map(([shortest]) => shortest).join(" ");
      expect(isRight({ need, only, allow }, byHand.closed, answer)).toBe(true);
      expect(isRight({ need, only, allow }, byHand.closed, "I do not know")).toBe(false);
    }
  });
});

test("all sets together stay below 3 MB", () => {
  const bytes = ["eval/set", "eval/by-hand"].flatMap(filesBelow).map((file) => statSync(join(projectRoot, file)).size);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(3e6);
});
