/**
 * Whole models on a device with WebGPU's smallest limits and no optional feature, as many phones have. In Firefox only:
 * SwiftShader, taken for a GPU, needs ten times as long for them (218 instead of 22 s).
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { loadGolden } from "../support/golden.ts";
import { expectGoldenSettings } from "../support/golden-inspection.ts";
import { sharedUrl } from "../support/shared.ts";
import { expectShippedAnswer, withShippedModel } from "../support/shipped-model.ts";
import { giveSmallDevices, SMALL_LIMITS } from "../support/small-device.ts";

let restore: () => void;
beforeAll(() => {
  restore = giveSmallDevices();
});
afterAll(() => restore());

test("the device has the smallest limits and no features", async () => {
  const gpu = await Gpu.open();
  const { device, capabilities } = gpu;
  const names = Object.keys(SMALL_LIMITS) as (keyof typeof SMALL_LIMITS)[];
  expect(Object.fromEntries(names.map((name) => [name, device.limits[name]]))).toEqual(SMALL_LIMITS);
  expect([...device.features].filter((name) => name !== ("core-features-and-limits" as GPUFeatureName))).toEqual([]);
  expect(capabilities).toMatchObject({ subgroups: false, software: false });
  gpu.dispose();
});

test("a golden checkpoint in every setting", async () => {
  const golden = await loadGolden("clip-llama-f32");
  const fovea = await Fovea.load(sharedUrl("golden/clip-llama-f32"));
  expect(fovea.info.precision).toBe("f32");
  await expectGoldenSettings(fovea, golden);
  fovea.dispose();
});

test.for(["f16", "q8"] as const)("the shipped model answers with weights in %s as PyTorch does", (weights) =>
  withShippedModel(weights, expectShippedAnswer),
);
