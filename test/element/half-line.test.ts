/** The line that offers half of the image tokens: when it is there, and its words. */
import { expect, test } from "vitest";
import type { ModelInfo } from "../../src/api.ts";
import { halfLine } from "../../src/element/half-line.ts";
import { STATS } from "../support/fake-model.ts";

const PLAIN: ModelInfo["defaults"] = { compression: { method: "none" }, inhibition: { maxRatio: 0 } };
/** An answer about a picture of 16 tokens, of which half of the prompt is. */
const ANSWER = {
  ...STATS,
  ...{ pictures: [{ views: 1, tokensBefore: 16, tokensAfter: 16, reused: false }], imageTokensAfter: 16 },
  ...{ promptTokens: 32, visionMs: 50, prefillMs: 40, timeToFirstTokenMs: 100 },
};
const COMPRESSED = { ...ANSWER, imageTokensAfter: 8 };

test("offers half with what it would save", () => {
  expect(halfLine(ANSWER, PLAIN, "all")).toEqual({
    text: "Half of the image tokens would show the first word about 25 % sooner.",
    button: "Use half of the tokens",
  });
});

test("says that half is on, and offers all again", () => {
  const line = { text: "Questions now use half of the image tokens.", button: "All image tokens" };
  expect(halfLine(ANSWER, PLAIN, "half")).toEqual(line);
  expect(halfLine(COMPRESSED, PLAIN, "half")).toEqual(line);
});

test("after an answer with half there is nothing to estimate, and half can still be had again", () => {
  expect(halfLine(COMPRESSED, PLAIN, "all")).toEqual({
    text: "Questions now use all image tokens.",
    button: "Use half of the tokens",
  });
});

test.for([
  ["a saving that is too small", { ...ANSWER, visionMs: 0, promptTokens: 100 * ANSWER.promptTokens }, PLAIN, "all"],
  ["no picture", { ...ANSWER, imageTokensBefore: 0, imageTokensAfter: 0, pictures: [] }, PLAIN, "half"],
  ["another choice", ANSWER, PLAIN, "other"],
  ["a model that compresses by default", ANSWER, { ...PLAIN, compression: { method: "vmtc", ratio: 0.5 } }, "all"],
] as const)("nothing is offered for %s", ([, stats, defaults, choice]) => {
  expect(halfLine({ ...stats, pictures: [...stats.pictures] }, defaults, choice)).toBeUndefined();
});
