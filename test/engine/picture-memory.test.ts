/** Working memory of pictures of any shape, on the counting GPU: none takes more than the one that memory is planned for. */
import { describe, expect, test } from "vitest";
import { makePictures, makeWeights } from "../../src/engine/assemble.ts";
import { costliestPlan } from "../../src/engine/engine.ts";
import { PlanningGpu } from "../../src/gpu/planning.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";
import config from "../families/lfm2_vl/LFM2-VL-450M/config.json" with { type: "json" };
import processor from "../families/lfm2_vl/LFM2-VL-450M/preprocessor_config.json" with { type: "json" };
import tensors from "../families/lfm2_vl/LFM2-VL-450M/tensors.json" with { type: "json" };
import { describeModel } from "../support/describe-model.ts";
import { entriesOf, type TensorList, tensorsOf } from "../support/tensor-list.ts";

const spec = describeModel({ "config.json": config, "preprocessor_config.json": processor });
const matched = matchTensors(spec, entriesOf(tensorsOf(tensors as TensorList)));

function bytesOf(plan: PicturePlan): number {
  const gpu = new PlanningGpu(undefined);
  const weights = makeWeights(gpu, matched, "f16");
  return makePictures(gpu, weights, spec)!.planBytes(gpu.recorder, plan);
}

describe("views of the picture's own shape", () => {
  const most = bytesOf(costliestPlan(spec));
  const SIZES = "1x1 500x500 724x724 4000x3000 16000x400 20000x10 16384x1 1000x100 5120x512 16384x16384 5796x566".split(
    " ",
  );

  test.for(SIZES)("%s pixels, either way round", (size) => {
    const [width, height] = size.split("x").map(Number) as [number, number];
    expect(bytesOf(spec.pictures!.plan(width, height, {}))).toBeLessThanOrEqual(most);
    expect(bytesOf(spec.pictures!.plan(height, width, {}))).toBeLessThanOrEqual(most);
  });

  test("take less under a smaller budget", () => {
    const bytes = [64, 256, 1024].map((tokens) =>
      bytesOf(spec.pictures!.plan(4000, 3000, { maxPixels: tokens * 1024 })),
    );
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(new Set(bytes).size).toBe(3);
    expect(bytes[0]!).toBeLessThan(bytes[1]! / 3);
  });
});
