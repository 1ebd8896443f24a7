import { describe, expect, it } from "vitest";
import { resolveSampling } from "../../src/generate/sampling-settings.ts";

describe("sampling settings", () => {
  it("have the documented defaults", () => {
    expect(resolveSampling({})).toEqual({
      maxTokens: 256,
      temperature: 0,
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      logitBias: new Map(),
      topLogprobs: undefined,
      seed: 0,
      stop: [],
    });
  });

  it("keep what is given", () => {
    const given = {
      maxTokens: 1,
      temperature: 0.7,
      topK: 40,
      topP: 0.9,
      minP: 0.05,
      repetitionPenalty: 1.1,
      presencePenalty: -2,
      frequencyPenalty: 2,
      topLogprobs: 20,
      seed: 2 ** 32 - 1,
      stop: ["\n"],
    };
    const logitBias = { 5: 100, 0: -0.5 };
    const expected = {
      ...given,
      logitBias: new Map([
        [0, -0.5],
        [5, 100],
      ]),
    };
    expect(resolveSampling({ ...given, logitBias }, 6)).toEqual(expected);
  });

  it.each([
    ["maxTokens", 0],
    ["maxTokens", 1.5],
    ["temperature", -0.1],
    ["temperature", Number.NaN],
    ["temperature", Number.POSITIVE_INFINITY],
    ["topK", -1],
    ["topP", 1.01],
    ["minP", 1.01],
    ["repetitionPenalty", 0],
    ["presencePenalty", 2.1],
    ["frequencyPenalty", -2.1],
    ["topLogprobs", 21],
    ["seed", -1],
    ["seed", 2 ** 32],
  ])("%s of %d is out of range", (name, value) => {
    const check = () => resolveSampling({ [name]: value });
    expect(check).toThrow(RangeError);
    expect(check).toThrow(new RegExp(`^${name} must be .* from .* to .*, got ${value}`));
  });

  it.each(["maxTokens", "temperature", "topK", "topP", "repetitionPenalty", "seed"])("%s must be a number", (name) => {
    for (const value of ["0.5", null, true, 1n]) {
      const check = () => resolveSampling({ [name]: value } as object);
      expect(check).toThrow(TypeError);
      expect(check).toThrow(new RegExp(`^${name} must be a number, got `));
    }
  });

  it.each([
    ["a list", [1], TypeError, /^logitBias must be an object/],
    ["an id that is none", { a: 1 }, RangeError, /^logitBias must name ids from 0 to 5, got "a"/],
    ["an id beyond the vocabulary", { 6: 1 }, RangeError, /^logitBias must name ids from 0 to 5, got "6"/],
    ["a value out of range", { 1: 101 }, RangeError, /^logitBias\[1\] must be .* -100 to 100, got 101/],
    ["no number", { 1: "2" }, TypeError, /^logitBias\[1\] must be a number/],
  ])("logitBias: %s", (_, logitBias, type, message) => {
    const check = () => resolveSampling({ logitBias } as object, 6);
    expect(check).toThrow(type);
    expect(check).toThrow(message);
  });

  it.each([
    ["not a list", "END", TypeError, /^stop must be a list/],
    ["no text", ["a", 3], TypeError, /^stop\[1\] must be a string, got 3/],
    ["empty", ["a", ""], RangeError, /^stop\[1\] must have 1 to 1024 characters, got 0/],
    ["too long", ["a".repeat(1025)], RangeError, /^stop\[0\] .* got 1025/],
    ["too many", Array(65).fill("a"), RangeError, /^stop must hold at most 64 texts, got 65/],
  ])("stop: %s", (_, stop, type, message) => {
    const check = () => resolveSampling({ stop } as object);
    expect(check).toThrow(type);
    expect(check).toThrow(message);
  });
});
