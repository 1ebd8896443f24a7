/** Scorers of benchmarks on cases that were worked out by hand from the published rules. */
import { describe, expect, test } from "vitest";
import { accepted, isAccepted } from "../../../eval/scorers/accepted.ts";
import { officialWords, submittedWords } from "../../../eval/scorers/answer-words.ts";
import { exactMatch, isExactMatch } from "../../../eval/scorers/exact-match.ts";
import { chosenOption, circular } from "../../../eval/scorers/multiple-choice.ts";
import type { Answered, Score } from "../../../eval/scorers/scoring.ts";
import { leaveOneOut, textVqaAccuracyOf, vqaAccuracy, vqaAccuracyOf } from "../../../eval/scorers/vqa-accuracy.ts";
import { deniesOrAffirms, yesNo } from "../../../eval/scorers/yes-no.ts";
import { saidYesOrNo, yesNoPairs } from "../../../eval/scorers/yes-no-pairs.ts";

function answered(answer: string, expected: string | string[], more: Partial<Answered> = {}): Answered {
  const id = more.id ?? `${answer} ${expected}`;
  return { id, unit: id, cluster: id, category: "", expected: [expected].flat(), answer, ...more };
}

/** Figure name -> value. */
function values({ figures, parts }: Score): Record<string, number> {
  return Object.fromEntries([...figures, ...parts].map(({ name, value }) => [name, value]));
}

describe("VQA's normalisation", () => {
  test.for([
    ["A cat", "cat"],
    ["the Dog and an apple", "dog and apple"],
    ["three", "3"],
    ["Ten birds", "10 birds"],
    ["none", "0"],
    ["dont know", "don't know"],
    ["couldntve", "couldntve"],
    ["couldnt've", "couldn't've"],
    ["yall'd've", "y'all'd've"],
    ["twas", "'twas"],
    ["somebody'd", "somebodyd"],
    // A mark between letters becomes a blank, one beside a blank disappears.
    ["black/white", "black white"],
    ["black / white", "black white"],
    ["black, white", "black white"],
    ["t-shirt", "t shirt"],
    ["t-shirt - red", "tshirt red"],
    // A number with a comma makes every mark disappear.
    ["1,000 t-shirts", "1000 tshirts"],
    ["5.30 p.m.", "5.30 pm"],
    ["yes!", "yes"],
    ["Mr. Smith's", "mr smith's"],
    ["two\nlines\there", "2 lines here"],
    ["  ", ""],
  ] as const)("%j becomes %j", ([text, words]) => {
    expect(officialWords(text)).toBe(words);
  });

  test.for([
    ["Yes, it is?", "yes it is"],
    // Commas go before numbers are looked at.
    ["1,000", "1000"],
    ["red,white", "redwhite"],
    ["McDonald's", "mcdonald 's"],
    ["The Coca-Cola.", "coca cola"],
  ] as const)("%j is submitted as %j", ([text, words]) => {
    expect(submittedWords(text)).toBe(words);
  });
});

describe("VQA accuracy", () => {
  const annotated = (matching: number) => Array.from({ length: 10 }, (_, i) => (i < matching ? "red" : `blue ${i}`));

  test.for([
    [0, 0],
    [1, 0.3],
    [2, 0.6],
    [3, 0.9],
    [4, 1],
    [10, 1],
  ] as const)("of an answer that %d of ten gave is %d", ([matching, accuracy]) => {
    expect(leaveOneOut("red", annotated(matching))).toBeCloseTo(accuracy, 12);
    expect(vqaAccuracyOf("Red.", annotated(matching))).toBeCloseTo(accuracy, 12);
  });

  test("normalises the annotators' answers where they differ, and leaves them where they agree", () => {
    expect(vqaAccuracyOf("2", [...Array(9).fill("two"), "a pair"])).toBe(1);
    expect(vqaAccuracyOf("2", Array(10).fill("two"))).toBe(0);
    expect(textVqaAccuracyOf("2", Array(10).fill("two"))).toBe(1);
  });

  test("TextVQA tears off 's on both sides", () => {
    expect(textVqaAccuracyOf("Wendy's", Array(10).fill("wendy's"))).toBe(1);
    expect(vqaAccuracyOf("wendy's", [...Array(9).fill("wendy's"), "x"])).toBe(0);
  });

  test("is the mean over questions, also by kind", () => {
    const red = { category: "other" };
    const score = vqaAccuracy([
      answered("red", annotated(3), { ...red, id: "1" }),
      answered("blue", annotated(3), { ...red, id: "2" }),
      answered("yes", Array(10).fill("yes"), { category: "yes/no", id: "3" }),
    ]);
    const found = values(score);
    expect(found.accuracy).toBeCloseTo((90 + 0 + 100) / 3, 9);
    expect(found.other).toBeCloseTo(45, 9);
    expect(found["yes/no"]).toBe(100);
  });
});

describe("GQA", () => {
  test.for([
    ["Yes", "yes", true],
    [" left. ", "left", true],
    ["left...", "left", true],
    ["the left", "left", false],
    ["Left!", "left", false],
    ["", "left", false],
  ] as const)("%j against %j: %s", ([answer, expected, isRight]) => {
    expect(isExactMatch(answer, expected)).toBe(isRight);
  });

  test("answers on one picture count as one picture in the error", () => {
    const four = ["a", "a", "b", "b"].map((cluster, i) =>
      answered(i < 2 ? "yes" : "no", "yes", { cluster, id: `${i}` }),
    );
    const [accuracy] = exactMatch(four).figures;
    // Two pictures, one all right and one all wrong: half, and the spread of two values.
    expect(accuracy).toMatchObject({ name: "accuracy", value: 50, most: 100, count: 4 });
    expect(accuracy!.error).toBeCloseTo(50, 9);
  });
});

describe("MME", () => {
  test.for([
    ["Yes", "yes"],
    ["No.", "no"],
    ["Not at all", "no"],
    ["  yes, it is", "yes"],
    // Only the first four letters count.
    ["I say yes", "other"],
    ["Well, no", "other"],
    ["", "other"],
  ] as const)("%j says %s", ([answer, said]) => {
    expect(saidYesOrNo(answer)).toBe(said);
  });

  const pair = (category: string, picture: string, ...right: boolean[]) =>
    right.map((isRight, i) =>
      answered(isRight ? "yes" : "no", "Yes", { id: `${category} ${picture} ${i}`, cluster: picture, category }),
    );

  test("a task is its accuracy plus that of pairs, and perception the sum of its tasks", () => {
    const score = yesNoPairs([
      // 3 of 4 right, 1 of 2 pictures: 75 + 50.
      ...pair("existence", "1", true, true),
      ...pair("existence", "2", true, false),
      // 2 of 4, no picture: 50 + 0.
      ...pair("OCR", "3", true, false),
      ...pair("OCR", "4", false, true),
      // Both: 100 + 100.
      ...pair("code_reasoning", "5", true, true),
    ]);
    expect(values(score)).toEqual({
      perception: 175,
      cognition: 200,
      "accuracy of questions": 70,
      existence: 125,
      OCR: 50,
      code_reasoning: 200,
    });
    expect(score.figures[0]).toMatchObject({ name: "perception", most: 400, count: 8 });
    // Pictures score 2 and 0.5, so the error of their mean is 0.75, or 75 points; OCR has no spread.
    expect(score.figures[0]!.error).toBeCloseTo(75, 9);
  });

  test("an answer that is neither is wrong, whatever was expected", () => {
    const score = yesNoPairs(
      ["Yes", "No"].map((expected, i) => answered("A cat", expected, { id: `${i}`, cluster: "1", category: "count" })),
    );
    expect(values(score)).toEqual({ perception: 0, "accuracy of questions": 0, count: 0 });
  });
});

describe("MMBench", () => {
  const options = { A: "a cat", B: "a dog", C: "red", D: "blue" };

  test.for([
    ["B", "B"],
    ["B.", "B"],
    ["(C)", "C"],
    ["The answer is D.", "D"],
    ["A", "A"],
    ["A: a cat", "A"],
    ["A is right", "A"],
    // A letter that may be an article counts for nothing in a long answer; the text does.
    ["A dog is in the picture", "B"],
    ["it is blue", "D"],
    ["A or B", undefined],
    ["red and blue", undefined],
    ["E", undefined],
    ["no idea", undefined],
    ["", undefined],
  ] as const)("%j names %s", ([answer, letter]) => {
    expect(chosenOption(answer, options)).toBe(letter);
  });

  test("needs every rotation right", () => {
    const rotation = (unit: string, answer: string, expected: string) =>
      answered(answer, expected, { id: `${unit} ${expected}`, unit, cluster: unit, options });
    const score = circular([
      rotation("1", "A", "A"),
      rotation("1", "B", "B"),
      rotation("2", "A", "A"),
      // Always "A": right once, and wrong in the other rotation.
      rotation("2", "A", "B"),
    ]);
    expect(values(score)).toEqual({ "circular accuracy": 50 });
    expect(score.units).toEqual([
      { id: "1", cluster: "1", category: "", value: 1 },
      { id: "2", cluster: "2", category: "", value: 0 },
    ]);
  });
});

describe("POPE", () => {
  test.for([
    ["Yes", "yes"],
    ["No", "no"],
    ["no, there is none", "no"],
    ["There is not", "no"],
    // Only the first sentence counts, and only these words.
    ["Yes. There is no dog", "yes"],
    ["NO", "yes"],
    ["Nothing", "yes"],
    ["", "yes"],
  ] as const)("%j says %s", ([answer, said]) => {
    expect(deniesOrAffirms(answer)).toBe(said);
  });

  test("counts hits, misses and the share of yes", () => {
    // Said yes 3 times, 2 of them rightly; a "yes" was missed, and two "no" are right.
    const cases: [answer: string, expected: string, category: string][] = [
      ["Yes", "yes", "random"],
      ["Yes", "yes", "random"],
      ["Yes", "no", "popular"],
      ["No", "yes", "popular"],
      ["No", "no", "random"],
      ["No", "no", "popular"],
    ];
    const score = yesNo(
      cases.map(([answer, expected, category], i) => answered(answer, expected, { id: `${i}`, category })),
    );
    const found = values(score);
    expect(found).toMatchObject({ "share of yes": 50, "random: accuracy": 100, "random: F1": 100, "popular: F1": 0 });
    expect(found.accuracy).toBeCloseTo(100 * (4 / 6), 9);
    expect(found.precision).toBeCloseTo(100 * (2 / 3), 9);
    expect(found.recall).toBeCloseTo(100 * (2 / 3), 9);
    expect(found.F1).toBeCloseTo(100 * (2 / 3), 9);
  });

  test("has an F1 of 0 where nobody says yes", () => {
    expect(values(yesNo([answered("No", "no")]))).toMatchObject({ accuracy: 100, F1: 0, "share of yes": 0 });
  });
});

describe("a person's own questions", () => {
  test.for([
    ["A whale and a frog.", ["frog"], true, false],
    ["Two frogs", ["2 frogs"], true, true],
    ["frogs", ["frog"], false, false],
    ["a red, round ball", ["red round"], true, false],
    ["", [""], true, true],
    ["anything", [""], false, false],
  ] as const)("%j against %j: by words %s, exactly %s", ([answer, expected, byWords, exactly]) => {
    expect(isAccepted(answer, expected, "words")).toBe(byWords);
    expect(isAccepted(answer, expected, "exact")).toBe(exactly);
  });

  test("any accepted answer will do", () => {
    expect(
      values(accepted("words")([answered("a sofa", ["couch", "sofa"]), answered("a bed", ["couch", "sofa"])])),
    ).toEqual({
      accuracy: 50,
    });
  });
});
