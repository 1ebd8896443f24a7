/** A language file with a vision file, from their bytes to golden logits; halves.long.test.ts runs all of them. */
import { test } from "vitest";
import { expectCheckpointLogits, expectGoldenLogits } from "../../../support/gguf-logits.ts";
import { useDevice } from "../../../support/gpu.ts";

const { device } = useDevice();

test("layers of a delta rule whose heads lie in tiles", async () => {
  await expectGoldenLogits("qwen3_5-bf16", device());
});

test("norms with 1 added, and a matrix that projects from the right", async () => {
  await expectCheckpointLogits("gemma3-published-bf16", device());
});

test("a convolution of two frames, and features of several blocks", async () => {
  await expectGoldenLogits("qwen3_vl-bf16", device());
});
