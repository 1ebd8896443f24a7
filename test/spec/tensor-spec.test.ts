/** Builders of tensors: which rows of a file go where. */
import { expect, test } from "vitest";
import { headOrder, linear, stack } from "../../src/spec/tensor-spec.ts";

test("rows of queries, keys and values by head become queries, keys and values", () => {
  // Two heads of two channels: q0 q0 k0 k0 v0 v0 q1 q1 k1 k1 v1 v1.
  expect(headOrder(12, 2)).toEqual([0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]);
  expect(headOrder(6, 1)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("sources stand one below the other, under every prefix", () => {
  const [weight, bias] = linear("qkv", ["a.", "b."], [["q", 6] as const, ["k", 2] as const], { cols: 4, bias: true });
  expect(weight).toMatchObject({ name: "qkv.weight", shape: [8, 4], use: "linear" });
  expect(weight!.parts).toEqual([
    { names: ["a.q.weight", "b.q.weight"], shape: [6, 4], to: 0 },
    { names: ["a.k.weight", "b.k.weight"], shape: [2, 4], to: 6 },
  ]);
  expect(bias).toMatchObject({ name: "qkv.bias", shape: [8], use: "vector" });
  // Dimensions after the rows become one.
  expect(stack("patch", "linear", [""], [["patch.weight", [5, 3, 2, 2]]]).shape).toEqual([5, 12]);
});
