/** The benchmark's verdicts: what is reached, missed, or not for this adapter to tell; its options and its numbers as text. */
import { describe, expect, test } from "vitest";
import { parseBenchOptions } from "../../bench/options.mjs";
import { median, medianRatio, takeTurns } from "../../bench/parts/measure.ts";
import { packedBytes, packedMatrix, randomValues } from "../../bench/parts/models.ts";
import { type Figure, valueText } from "../../bench/parts/result.ts";
import { judge, TARGETS } from "../../bench/targets.ts";

function verdictOf(values: Record<string, number>, software: boolean, id: string) {
  const figures = Object.entries(values).map(([id, value]): [string, Figure] => [
    id,
    { id, what: id, value, unit: "" },
  ]);
  const verdicts = judge(new Map(figures), software);
  expect(verdicts).toHaveLength(TARGETS.length);
  return verdicts.find(({ target }) => target.ids.includes(id))!;
}

describe("verdicts", () => {
  test("ask more of a software adapter than of a GPU, beside the peer", () => {
    expect(verdictOf({ "compare.vision": 7 }, true, "compare.vision").isReached).toBe(false);
    expect(verdictOf({ "compare.vision": 7 }, false, "compare.vision").isReached).toBe(true);
  });

  test("are left open where only a GPU can tell, or where nothing was measured", () => {
    expect(verdictOf({ "decode.share": 90 }, true, "decode.share").isReached).toBeUndefined();
    expect(verdictOf({ "decode.share": 90 }, false, "decode.share").isReached).toBe(true);
    expect(verdictOf({}, false, "decode.share")).toMatchObject({ figure: undefined, isReached: undefined });
  });

  test("go by the worst of several figures, and need all of them", () => {
    const [both, first, second] = [
      "cost.inhibition.token-576",
      "cost.inhibition.token-576",
      "cost.inhibition.token-288",
    ];
    expect(verdictOf({ [first!]: 5, [second!]: 12 }, true, both!)).toMatchObject({
      figure: { value: 12 },
      isReached: false,
    });
    expect(verdictOf({ "prefill.share": 75, "vision.share": 65 }, false, "vision.share").figure?.value).toBe(65);
    expect(verdictOf({ [first!]: 5 }, true, both!).figure).toBeUndefined();
  });
});

describe("options", () => {
  test("name parts by several words, each part once", () => {
    expect(parseBenchOptions(["--only", "prefill,decode,memory"])).toMatchObject({ parts: ["decoder", "load"] });
    expect(parseBenchOptions(["--node"])).toMatchObject({ parts: ["kernels", "vision", "decoder"], node: true });
    expect(parseBenchOptions(["--browser", "firefox", "--only", "decode"])).toMatchObject({
      parts: ["decoder"],
      browser: "firefox",
    });
    expect(parseBenchOptions([])).toMatchObject({ browser: "chromium" });
  });

  test.for([
    ["--browser", "firefox", "--only", "compare"],
    ["--browser", "firefox", "--node"],
    ["--only", "speed"],
    ["--node", "--only", "cost"],
    ["--size", "huge"],
    ["--browser", "safari"],
    ["kernels"],
  ])("refuse %s", (args) => {
    expect(() => parseBenchOptions(args)).toThrow(/^[^\n]+$/);
  });
});

describe("numbers", () => {
  test("have a unit and the digits that say something", () => {
    expect(valueText({ value: 7.188, unit: "x" })).toBe("7.19x");
    expect(valueText({ value: 132.6, unit: "ms" })).toBe("133 ms");
    expect(valueText({ value: 1, unit: "submits" })).toBe("1 submits");
    expect(valueText({ value: 1.3e-12, unit: "NMSE" })).toBe("1.3e-12 NMSE");
  });

  test("are compared round by round", async () => {
    expect(median([5, 1, 3, 4])).toBe(3.5);
    // Both are slow in the second round, which changes nothing.
    expect(medianRatio([20, 200, 20], [10, 100, 10])).toBe(2);
    const order: string[] = [];
    const times = await takeTurns([async () => order.push("a"), async () => order.push("b")], 2);
    expect(order.join("")).toBe("ababab");
    expect(times.map((each) => each.length)).toEqual([2, 2]);
  });
});

describe("random weights", () => {
  test("are the same for a name, and others for another", () => {
    expect(randomValues("a", 8)).toEqual(randomValues("a", 8));
    expect(randomValues("a", 8)).not.toEqual(randomValues("b", 8));
  });

  test("of 4 bits have no level of -8, so that their mean is 0", () => {
    const { levels } = packedMatrix("m", 64, 64, 4);
    const nibbles = [...levels].flatMap((byte) => [byte & 15, byte >> 4]);
    expect(Math.min(...nibbles)).toBe(1);
    const mean = nibbles.reduce((sum, nibble) => sum + nibble - 8, 0) / nibbles.length;
    expect(Math.abs(mean)).toBeLessThan(0.5);
  });

  test.for(["f16", "q8", "q4"] as const)("take the bytes of their format, %s", (type) => {
    const [rows, cols] = [64, 512];
    const bytes = packedBytes("m", rows, cols, type);
    expect(bytes.length).toBe({ f16: 2, q8: 34 / 32, q4: 18 / 32 }[type] * rows * cols);
  });
});
