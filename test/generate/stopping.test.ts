import { describe, expect, it } from "vitest";
import { StopMatcher, Stopping } from "../../src/generate/stopping.ts";
import { freshRandom, type Random } from "../support/random.ts";

/** The definition, plainly: the first end at which some stop string stands; the longest of those. */
function cutAtStop(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end++) {
    const here = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => stop.length);
    if (here.length > 0) return { text: text.slice(0, end - Math.max(...here)), stopped: true };
  }
  return { text, stopped: false };
}

function randomText(random: Random, alphabet: string, min: number, max: number): string {
  return Array.from({ length: random.integer(min, max) }, () => alphabet[random.integer(0, alphabet.length - 1)]).join(
    "",
  );
}

describe("stop strings", () => {
  it("agree with a search of the whole text, however it is cut into tokens", () => {
    const random = freshRandom("stop strings");
    let stoppedCount = 0;
    for (let round = 0; round < 5_000; round++) {
      // Few letters, so that stop strings overlap, repeat and are beginnings of each other.
      const alphabet = round % 2 ? "ab" : "ab\n";
      const stops = Array.from({ length: random.integer(0, 4) }, () => randomText(random, alphabet, 1, 5));
      const text = randomText(random, alphabet, 0, 24);
      const matcher = new StopMatcher(stops);
      let shown = "";
      let stopped = false;
      for (let at = 0; at < text.length; ) {
        const next = at + random.integer(0, 4);
        const update = matcher.push(text.slice(at, next));
        shown += update.text;
        at = next;
        stopped = update.stopped;
        // What is held back is the beginning of a stop string, and no more than that.
        const seen = text.slice(0, at);
        const held = seen.slice(shown.length);
        const isFair =
          stopped || ((held === "" || stops.some((stop) => stop.startsWith(held))) && !cutAtStop(seen, stops).stopped);
        if (!isFair) expect.fail(JSON.stringify({ seen, held, stops }));
      }
      shown += matcher.flush();
      const expected = cutAtStop(text, stops);
      if (shown !== expected.text || stopped !== expected.stopped)
        expect({ text: shown, stopped }, JSON.stringify({ text, stops })).toEqual(expected);
      stoppedCount += Number(stopped);
    }
    expect(stoppedCount).toBeGreaterThan(500);
  });

  it.each([
    ["across tokens", ["END"], ["some E", "N", "D more"], "some ", true],
    ["false start", ["END"], ["E", "EN", "X"], "EENX", false],
    ["one the beginning of another", ["abc", "ab"], ["xab", "c"], "x", true],
    ["both complete at once", ["bc", "abc"], ["xa", "bc"], "x", true],
    ["at the very start", ["\n"], ["\nhello"], "", true],
    ["emoji that share a half", ["😀"], ["😁", "😀"], "😁", true],
  ])("%s", (_, stops, parts, text, stopped) => {
    const matcher = new StopMatcher(stops);
    const shown = parts.map((part) => matcher.push(part).text).join("") + matcher.flush();
    expect([shown, matcher.stopped]).toEqual([text, stopped]);
  });

  it("are searched in linear time", () => {
    const stop = `${"a".repeat(1000)}b`;
    const matcher = new StopMatcher([stop]);
    let length = 0;
    for (let i = 0; i < 100_000; i++) length += matcher.push("a").text.length;
    expect(length).toBe(99_000);
    expect(matcher.flush("b")).toBe("");
    expect(matcher.stopped).toBe(true);
  });

  it("give nothing out after the stop", () => {
    const matcher = new StopMatcher(["."]);
    expect(matcher.push("a.b")).toEqual({ text: "a", stopped: true });
    expect(matcher.push("c")).toEqual({ text: "", stopped: true });
    expect(matcher.flush("d")).toBe("");
  });
});

describe("the end of an answer", () => {
  const stopping = (maxTokens = 10) => new Stopping({ eosIds: [2, 7], maxTokens, stop: ["END"] });

  it("is an end token, whose text does not count", () => {
    const answer = stopping();
    expect(answer.push(5, "aE")).toEqual({ text: "a" });
    expect([answer.isEos(7), answer.isEos(5)]).toEqual([true, false]);
    expect(answer.push(7, "</s>")).toEqual({ text: "", reason: "stop" });
    expect(answer.tokenCount).toBe(2);
    expect(answer.end("!")).toEqual({ text: "E!" });
  });

  it("is the number of tokens, and what was held back is given out", () => {
    const answer = stopping(2);
    expect(answer.push(5, "a")).toEqual({ text: "a" });
    expect(answer.push(5, "EN")).toEqual({ text: "", reason: "length" });
    expect(answer.end()).toEqual({ text: "EN" });
  });

  it("is a stop string before it is the number of tokens, also in the decoder's rest", () => {
    expect(stopping(1).push(5, "aENDb")).toEqual({ text: "a", reason: "stop" });
    const answer = stopping(1);
    expect(answer.push(5, "aEN")).toEqual({ text: "a", reason: "length" });
    expect(answer.end("D")).toEqual({ text: "", reason: "stop" });
  });
});
