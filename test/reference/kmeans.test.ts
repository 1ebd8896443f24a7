/** The K-Means reference against the golden cases of every kind. */
import { describe, expect, test } from "vitest";
import { sharedJson } from "../support/shared.ts";
import { kMeans } from "./kmeans.ts";

interface Case {
  kind: string;
  clusters: number;
  rounds: number;
  rows: number[][];
  labels: number[];
}

const cases = await sharedJson<Case[]>("golden/kmeans.json");
const kinds = [...new Set(cases.map(({ kind }) => kind))];

describe("golden K-Means cases", () => {
  test.for(kinds)("%s", (wanted) => {
    for (const { kind, clusters, rounds, rows, labels } of cases) {
      if (kind !== wanted) continue;
      const found = kMeans(rows.flat(), rows[0]!.length, clusters);
      expect({ labels: [...found.labels], rounds: found.rounds }).toEqual({ labels, rounds });
    }
  });

  test("of all kinds", () => {
    expect(kinds.sort()).toEqual(["all-equal", "c1", "c=r", "cap", "empty", "near-tie", "plain", "zero"]);
  });
});

describe("K-Means", () => {
  test("clamps the clusters to the rows", () => {
    expect([...kMeans([1, 0, 0, 1], 2, 5).labels]).toEqual([0, 1]);
  });

  test("does not read the length of rows", () => {
    const directions = [1, 0, 0.9, 0.1, 0, 1, 0.1, 0.9];
    const scaled = directions.map((value, i) => value * [1, 100, 1e-3, 7][Math.floor(i / 2)]!);
    expect(kMeans(scaled, 2, 2)).toEqual(kMeans(directions, 2, 2));
    expect([...kMeans(directions, 2, 2).labels]).toEqual([0, 0, 1, 1]);
  });

  test("fills an empty cluster with the row farthest from its centre", () => {
    // Seeds are rows 0 and 2, which are equal: cluster 1 gets nothing until row 3, the farthest, is moved there.
    expect([...kMeans([1, 0, 1, 0.1, 1, 0, 0, 1], 2, 2).labels]).toEqual([0, 0, 0, 1]);
  });

  test("of rows that are equally far within 1e-6, the lowest fills an empty cluster", () => {
    // Row 3 is farther from the seed than row 1, but only by 1e-8.
    expect([...kMeans([1, 0, 0.6 + 1e-8, 0.8, 1, 0, 0.6, -0.8], 2, 2).labels]).toEqual([0, 1, 0, 0]);
  });

  test("a sum of rows shorter than 1e-6 makes a zero centre", () => {
    // Rows 1 and 3 cancel to (0, 5e-7): a centre (0, 1) made of that would draw row 2 into cluster 0.
    expect([...kMeans([0, 0, 1, 0, 0, 1, -1, 5e-7], 2, 2).labels]).toEqual([0, 0, 1, 0]);
  });

  test("numbers clusters by their smallest member", () => {
    // Both seeds are equal, so cluster 0 takes all and row 0, the farthest from the zero centre, fills cluster 1:
    // by their own order the labels would be 1, 0, 0, 0.
    expect([...kMeans([0, 0, 1, 1, 0, 0, 2, 2], 2, 2).labels]).toEqual([0, 1, 1, 1]);
  });

  test("stops after the rounds that it was given", () => {
    expect(kMeans([1, 0, 0, 1, 1, 1], 2, 2, 1).rounds).toBe(1);
  });
});
