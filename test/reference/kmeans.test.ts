/** The K-Means reference against the golden cases of every kind. */
import { describe, expect, test } from "vitest";
import { describeShared, hasShared, sharedJson } from "../support/shared.ts";
import { kMeans } from "./kmeans.ts";

interface Case {
  kind: string;
  clusters: number;
  rounds: number;
  rows: number[][];
  labels: number[];
}

const cases = hasShared ? await sharedJson<Case[]>("golden/kmeans.json") : [];
const kinds = [...new Set(cases.map(({ kind }) => kind))];

describeShared("golden K-Means cases", () => {
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

  test("numbers clusters by their smallest member", () => {
    // Rows 0 and 1 both go to the seed of row 2's direction only after a round; the label of row 0 is 0 all the same.
    const { labels } = kMeans([0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1], 2, 3);
    const firstOf = [...new Set(labels)];
    expect(firstOf).toEqual([...firstOf].sort());
    expect(labels[0]).toBe(0);
  });

  test("stops after the rounds that it was given", () => {
    expect(kMeans([1, 0, 0, 1, 1, 1], 2, 2, 1).rounds).toBe(1);
  });
});
