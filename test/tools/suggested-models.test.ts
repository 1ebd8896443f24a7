/** The models that the manifest suggests: which, their names, and the facts that the page tells. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sourceName } from "../../src/shared/source.ts";
import { MANIFEST, type SuggestedModel, sizedModels } from "../../tools/suggested-models.ts";

const { suggested } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { suggested: SuggestedModel[] };

test("one of each size and skill is there, the small ones first", () => {
  const wanted = [
    "SmolVLM-256M",
    "SmolVLM-500M",
    "SmolVLM2",
    "granite-docling",
    "LFM2-VL-450M",
    "InternVL3-1B",
    "llava-onevision-qwen2-0.5b",
    "Qwen2-VL-2B",
    "Qwen3-VL-2B",
    "SmolLM2-135M",
  ];
  expect(suggested.map(({ name }, i) => name.includes(wanted[i]!))).toEqual(wanted.map(() => true));
});

test("names are those of a hub", () => {
  for (const { name, small } of suggested) {
    expect(sourceName(name)).toBe(`hf:${name}`);
    if (small) expect(sourceName(small)).toBe(`hf:${small}`);
  }
});

test("each has a smaller file, apart from one that is small and one that nobody has published so", () => {
  expect(suggested.filter(({ small }) => !small).map(({ name }) => name)).toEqual([
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf",
    "bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M",
  ]);
});

test("each says what it does, under which licence, whether its own weights were run, and what to begin with", () => {
  for (const { name, skill, licence, published, bytes, gpuBytes, budget } of suggested) {
    expect(skill, name).toMatch(/^[a-z][^.]{5,60}$/);
    expect(licence, name).toMatch(/./);
    expect(typeof published, name).toBe("boolean");
    expect(bytes, name).toBeGreaterThan(1e8);
    // Of a text model in GGUF there is no published list of tensors to plan from.
    if (gpuBytes === undefined) expect(budget, name).toBeUndefined();
    else expect([0.5, 1], name).toContain(budget);
  }
});

test("families and sizes are what planModel says of the published tensors; `node tools/suggested-models.mjs` writes them", () => {
  expect(suggested).toEqual(sizedModels);
});
