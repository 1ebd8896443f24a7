/** A language file with a vision file, from their bytes to golden logits; halves.long.test.ts runs all of them. */
import { test } from "vitest";
import { requestDevice } from "../../../../src/gpu/device.ts";
import { expectGoldenLogits } from "../../../support/gguf-logits.ts";

test("a convolution of two frames, and features of several blocks", async () => {
  const device = await requestDevice();
  await expectGoldenLogits("qwen3_vl-bf16", device);
  device.destroy();
});
