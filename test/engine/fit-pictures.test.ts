/** Pictures of any number of pixels: what a request without limits may cost, by device and context. */
import { describe, expect, it } from "vitest";
import { contextLengthOf } from "../../src/engine/assemble.ts";
import { fitPictures, pixelLimit } from "../../src/engine/fit-pictures.ts";
import { PlanningGpu } from "../../src/gpu/planning.ts";
import { PictureEncoder } from "../../src/model/encoder/picture-encoder.ts";
import { Weights } from "../../src/model/load/fill.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../support/describe-model.ts";
import { readSource } from "../support/sources.ts";
import { entriesOf, type TensorList, tensorsOf } from "../support/tensor-list.ts";

const MODELS = [
  "qwen2_vl/Qwen2-VL-2B-Instruct",
  "qwen2_5_vl/Qwen2.5-VL-3B-Instruct",
  "qwen3_vl/Qwen3-VL-2B-Instruct",
] as const;
const MIB = 1 << 20;

function openModel(folder: string) {
  const json = (name: string) => JSON.parse(readSource(`test/families/${folder}/${name}`)) as unknown;
  const names = ["config.json", "preprocessor_config.json"];
  const spec = describeModel(Object.fromEntries(names.map((name) => [name, json(name)])));
  return { spec, matched: matchTensors(spec, entriesOf(tensorsOf(json("tensors.json") as TensorList))) };
}

function tokensOf({ pictures, encoder }: ModelSpec, width: number, height: number, budget = {}): number {
  const [view] = pictures!.plan(width, height, budget).views;
  return (view!.grid.rows * view!.grid.cols) / encoder!.cell ** 2;
}

describe.each(MODELS)("%s", (folder) => {
  const { spec, matched } = openModel(folder);
  const room = { matched, storage: "q4", contextLength: 4096, limits: undefined } as const;
  const fitted = fitPictures(spec, room);

  it("has a usual context, however large its pictures may be", () => {
    expect(contextLengthOf(spec, undefined)).toBe(4096);
  });

  it("reads a photograph of 12 megapixels in about a thousand tokens unless asked for more", () => {
    expect(tokensOf(spec, 4000, 3000)).toBeGreaterThan(11_000);
    const tokens = tokensOf(fitted, 4000, 3000);
    expect(tokens).toBeGreaterThan(900);
    expect(tokens).toBeLessThanOrEqual(2048);
    const asked = 8e6;
    const all = Math.floor(asked / spec.pictures!.shaped!.tokenPixels);
    expect(tokensOf(fitted, 4000, 3000, { maxPixels: asked })).toBe(tokensOf(spec, 4000, 3000, { maxPixels: asked }));
    expect(tokensOf(fitted, 4000, 3000, { maxPixels: asked })).toBeGreaterThan(0.95 * all);
  });

  it("plans its working memory to 512 MiB, close to them", () => {
    const pictures = fitted.pictures!;
    const plan = pictures.plan(pictures.largest.width, pictures.largest.height, {});
    const gpu = new PlanningGpu(undefined);
    const weights = new Weights(gpu.arena, matched, "q4");
    const encoder = new PictureEncoder(gpu, gpu.arena, weights, { ...fitted, encoder: fitted.encoder! });
    const bytes = encoder.planBytes(gpu.recorder, plan);
    expect(bytes).toBeLessThanOrEqual(512 * MIB);
    // Or half of the context is less.
    const tokens = tokensOf(fitted, 4000, 3000);
    expect(bytes > 480 * MIB || tokens > 1900, `${bytes} bytes, ${tokens} tokens`).toBe(true);
  });

  it("takes less on a device of small bindings, and in a small context", () => {
    const limits = { maxBufferSize: 256 * MIB, maxStorageBufferBindingSize: 32 * MIB };
    const small = fitPictures(spec, { ...room, limits });
    const rows = tokensOf(small, 4000, 3000) * 4;
    const { width, mlp } = spec.encoder!;
    expect(rows * Math.max(3 * width, (mlp.gated ? 2 : 1) * mlp.width) * 4).toBeLessThanOrEqual(32 * MIB);
    expect(tokensOf(small, 4000, 3000)).toBeGreaterThan(200);
    expect(tokensOf(fitPictures(spec, { ...room, contextLength: 300 }), 4000, 3000)).toBeLessThanOrEqual(150);
  });

  it("says the limit that counts", () => {
    const { maxPixels, usualPixels } = fitted.pictures!.shaped!;
    expect(pixelLimit(fitted.pictures!, {})).toBe(usualPixels);
    expect(pixelLimit(fitted.pictures!, { maxPixels: 500_000 })).toBe(500_000);
    expect(pixelLimit(fitted.pictures!, { maxPixels: 1e9 })).toBe(maxPixels);
    expect(pixelLimit(fitted.pictures!, { minPixels: usualPixels! + 1 })).toBe(usualPixels! + 1);
    expect(pixelLimit(spec.pictures!, {})).toBe(maxPixels);
  });

  it("gives a caller the pixels that it asks for at least", () => {
    const minPixels = fitted.pictures!.shaped!.usualPixels! + 500_000;
    const { width, height } = fitted.pictures!.plan(300, 300, { minPixels }).views[0]!;
    expect(width * height).toBeGreaterThanOrEqual(0.95 * minPixels);
  });
});

it("leaves models alone whose pictures have a size of their own", () => {
  const { spec } = openModel("lfm2_vl/LFM2-VL-450M");
  const room = { matched: { tensors: [], parts: [], aliases: new Map() }, contextLength: 100, limits: undefined };
  expect(fitPictures(spec, { ...room, storage: "q4" })).toBe(spec);
});
