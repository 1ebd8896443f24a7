/** Compares the logits of golden models as GGUF files with those of their checkpoints. */
import { expect } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { expectNmse } from "./compare.ts";
import { GGUF_BESIDE, ggufModel } from "./gguf-model.ts";
import { hasJpeg, loadFamily, requestOf } from "./golden-family.ts";
import { NMSE_JPEG, NMSE_MODEL } from "./tolerances.ts";

/** From the bytes of both files to ids, logits and greedy tokens of the first prompt with a picture. */
export async function expectGoldenLogits(folder: string, device: GPUDevice): Promise<void> {
  const { prompts, expected } = await loadFamily(folder);
  const files = await ggufModel(folder, { beside: GGUF_BESIDE[folder] ?? [] });
  const fovea = await Fovea.load(files, { device, weights: "f32", precision: "f32", maxContext: 512 });
  const prompt = prompts.find(({ messages }) => JSON.stringify(messages).includes('"image"'))!;
  const { prompt: written, greedy, logits } = await fovea.inspect(await requestOf(prompt));
  expect([...written.ids]).toEqual(prompt.ids);
  const golden = expected.get(`${prompt.name}.logits`)!.data;
  expectNmse(folder, logits.data, golden, hasJpeg(prompt) ? NMSE_JPEG : NMSE_MODEL);
  expect(greedy).toEqual(prompt.greedy);
  fovea.dispose();
}
