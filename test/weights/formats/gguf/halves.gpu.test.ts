/** A language file with a vision file, from their bytes to golden logits; halves.long.test.ts runs all of them. */
import { test } from "vitest";
import { requestDevice } from "../../../../src/gpu/device.ts";
import { expectCheckpointLogits, expectGoldenLogits } from "../../../support/gguf-logits.ts";

test("layers of a delta rule whose heads lie in tiles", async () => {
  const device = await requestDevice();
  await expectGoldenLogits("qwen3_5-bf16", device);
  device.destroy();
});

test("norms with 1 added, and a matrix that projects from the right", async () => {
  const device = await requestDevice();
  await expectCheckpointLogits("gemma3-published-bf16", device);
  device.destroy();
});

test("a convolution of two frames, and features of several blocks", async () => {
  const device = await requestDevice();
  await expectGoldenLogits("qwen3_vl-bf16", device);
  device.destroy();
});
