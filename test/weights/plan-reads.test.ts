import { expect, test } from "vitest";
import { MAX_GAP_BYTES, planReads } from "../../src/weights/plan-reads.ts";
import type { TensorEntry } from "../../src/weights/safetensors.ts";
import { randomUint32 } from "./safetensors-file.ts";

const entry = (name: string, start: number, end: number, file = "f"): TensorEntry => ({
  name,
  dtype: "U8",
  shape: [end - start],
  file,
  start,
  end,
});

/** "f 10-30 a b" for each range. */
const text = (plan: ReturnType<typeof planReads>) =>
  plan.ranges.map(({ file, start, end, entries }) => `${file} ${start}-${end} ${entries.map((e) => e.name).join(" ")}`);

test("nothing wanted, nothing read", () => {
  expect(planReads([])).toEqual({ ranges: [], empty: [], byteLength: 0 });
});

test("neighbours are joined, in the order of their bytes", () => {
  const plan = planReads([entry("c", 30, 40), entry("a", 10, 20), entry("b", 20, 30)]);
  expect(text(plan)).toEqual(["f 10-40 a b c"]);
  expect(plan.byteLength).toBe(30);
});

test("gaps up to the limit are read through, wider ones skipped", () => {
  const a = entry("a", 100, 200);
  expect(text(planReads([a, entry("b", 200 + MAX_GAP_BYTES, 300 + MAX_GAP_BYTES)]))).toHaveLength(1);
  const plan = planReads([a, entry("b", 201 + MAX_GAP_BYTES, 301 + MAX_GAP_BYTES)]);
  expect(plan.ranges).toHaveLength(2);
  expect(plan.byteLength).toBe(200);
});

test("each file has its own limit and its own ranges, in the order of the first tensor", () => {
  const far = 10 * MAX_GAP_BYTES;
  const wanted = [
    entry("b2", far, far + 1, "b"),
    entry("a2", far, far + 1, "a"),
    entry("a1", 0, 1, "a"),
    entry("b1", 0, 1, "b"),
  ];
  expect(text(planReads(wanted, (file) => (file === "a" ? Infinity : 5)))).toEqual([
    "b 0-1 b1",
    `b ${far}-${far + 1} b2`,
    `a 0-${far + 1} a1 a2`,
  ]);
});

test("a tensor named twice is read once, an empty one not at all", () => {
  const a = entry("a", 0, 4);
  const none = entry("none", 4, 4);
  const plan = planReads([a, none, a, none]);
  expect(text(plan)).toEqual(["f 0-4 a"]);
  expect(plan.empty).toEqual([none]);
});

test("overlapping tensors are a misuse", () => {
  expect(() => planReads([entry("a", 0, 10), entry("b", 9, 12)])).toThrow(RangeError);
});

test("random selections: every wanted byte once, no gap above the limit, no two ranges within it", () => {
  const next = randomUint32(77);
  for (let round = 0; round < 200; round++) {
    const limit = next() % 50;
    const all: TensorEntry[] = [];
    for (let at = 0, i = 0; i < 40; i++) {
      const end = at + (next() % 30);
      all.push(entry(`t${i}`, at, end, "f"));
      at = end;
    }
    const wanted = all.filter(() => next() % 3 === 0);
    const { ranges, empty, byteLength } = planReads(
      wanted.toSorted(() => (next() % 2) - 0.5),
      () => limit,
    );
    expect([...empty, ...ranges.flatMap((range) => range.entries)].map((e) => e.name).sort()).toEqual(
      wanted.map((e) => e.name).sort(),
    );
    expect(byteLength).toBe(ranges.reduce((sum, { start, end }) => sum + end - start, 0));
    let at = Number.NEGATIVE_INFINITY;
    for (const { start, end, entries } of ranges) {
      expect(start - at).toBeGreaterThan(limit);
      expect(start).toBe(entries[0]!.start);
      at = start;
      for (const tensor of entries) {
        expect(tensor.start - at).toBeGreaterThanOrEqual(0);
        expect(tensor.start - at).toBeLessThanOrEqual(limit);
        at = tensor.end;
      }
      expect(end).toBe(at);
    }
  }
});
