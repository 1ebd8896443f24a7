/** Which models the page offers to copy. */
import { expect, test } from "vitest";
import type { ModelInfo } from "../../src/api.ts";
import { SHIPPED_MODEL } from "../../src/app/engine.ts";
import { canCopy } from "../../src/app/parts/small-copy.ts";

test.each<[boolean, string, Partial<ModelInfo>]>([
  [true, "hf:owner/name", {}],
  [false, SHIPPED_MODEL, {}],
  [false, "copy-q4:hf:owner/name", {}],
  [false, "hf:owner/name", { weights: "gptq int4 g32, f32" }],
  [false, "hf:owner/name", { vocabularySize: 0 }],
])("%s: %s %j", (expected, source, changes) => {
  const info = { vocabularySize: 100, weights: "f16", ...changes } as ModelInfo;
  expect(canCopy({ source, info })).toBe(expected);
});
