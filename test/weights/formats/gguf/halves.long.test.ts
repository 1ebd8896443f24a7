/** Language files with vision files, from their bytes to golden logits; halves.test.ts compares every value of all of them. */
import { afterAll, beforeAll, test } from "vitest";
import { requestDevice } from "../../../../src/gpu/device.ts";
import { expectGoldenLogits } from "../../../support/gguf-logits.ts";
import { GGUF_FOLDERS } from "../../../support/gguf-model.ts";

// One device for all, so that each pipeline is compiled once.
let device: GPUDevice;
beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

// Golden logits of Gemma have another scale of attention than the file can say.
test.for(GGUF_FOLDERS.filter((folder) => !folder.startsWith("gemma3")))("%s", (folder) =>
  expectGoldenLogits(folder, device),
);
