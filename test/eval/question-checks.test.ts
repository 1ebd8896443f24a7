/** Right and wrong answers, word by word. That training judges alike is verdicts.test.ts's business. */
import { expect, test } from "vitest";
import { type Expectation, isRight } from "../../eval/question-checks.ts";

const closed = { kinds: ["dog", "dogs", "cat", "cats"], numbers: ["no", "one", "two", "three"] };
const twoDogs: Expectation = { need: [["two dogs", "2 dogs"]], only: "kinds", allow: [] };
const dogLeftOfCat: Expectation = { need: [["dog"]], only: "kinds", allow: ["cat"] };

test.for([
  ["There are two dogs.", twoDogs],
  ["2 DOGS", twoDogs],
  ["*two* dogs!", twoDogs],
  ['{"answer": "I see two dogs."}', twoDogs],
  ["a dog is left of the cat", dogLeftOfCat],
  ["dog", dogLeftOfCat],
] as const)("%s is right", ([answer, expectation]) => {
  expect(isRight(expectation, closed, answer)).toBe(true);
});

test.for([
  ["", twoDogs],
  ["two", twoDogs],
  ["two big dogs", twoDogs],
  ["dogs two", twoDogs],
  ["twodogs", twoDogs],
  ["a dogfish", dogLeftOfCat],
  ["two dogs and a cat", twoDogs],
  ["two_dogs", { ...twoDogs, need: [["two_dogs"]] }],
  ["There are two dogs and a dog.", twoDogs],
  ["The cat is left of the cat.", dogLeftOfCat],
  ["two cats and a dog", dogLeftOfCat],
] as const)("%s is wrong", ([answer, expectation]) => {
  expect(isRight(expectation as Expectation, closed, answer)).toBe(false);
});

test("everything needed must be there", () => {
  const both: Expectation = { need: [["dog"], ["cat"]], only: "numbers", allow: [] };
  expect(isRight(both, closed, "a cat and a dog")).toBe(true);
  expect(isRight(both, closed, "a cat")).toBe(false);
  expect(isRight(both, closed, "one cat and a dog")).toBe(false);
});

test("a set of words that there is not is an error", () => {
  expect(() => isRight({ ...twoDogs, only: "colours" }, closed, "two dogs")).toThrow(
    'there is no set of words "colours"; there are kinds, numbers',
  );
});
