/** Compares the logits of golden models as GGUF files with those of their checkpoints. */
import { expect } from "vitest";
import type { ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { expectNmse } from "./compare.ts";
import { GGUF_BESIDE, ggufModel, withoutUnsaid } from "./gguf-model.ts";
import { goldenFiles, hasJpeg, loadFamily, requestOf } from "./golden-family.ts";
import { sharedJson } from "./shared.ts";
import { NMSE_JPEG, NMSE_MODEL } from "./tolerances.ts";

/**
 * The same logits from both files as from the checkpoint, whose config is without what a GGUF cannot say: for models whose
 * golden logits need that.
 */
export async function expectCheckpointLogits(folder: string, device: GPUDevice): Promise<void> {
  const { prompts } = await loadFamily(folder);
  const prompt = prompts.find(({ messages }) => JSON.stringify(messages).includes('"image"'))!;
  const request = await requestOf(prompt);
  const run = async (files: ModelFiles) => {
    const fovea = await Fovea.load(files, { device, weights: "f32", precision: "f32", maxContext: 512 });
    try {
      return await fovea.inspect(request);
    } finally {
      fovea.dispose();
    }
  };
  const wanted = await run(await goldenFiles(folder, withoutUnsaid(folder)));
  const found = await run(await ggufModel(folder, { beside: GGUF_BESIDE[folder] ?? [] }));
  expect([...found.prompt.ids]).toEqual(prompt.ids);
  expect([...wanted.prompt.ids]).toEqual(prompt.ids);
  expectNmse(folder, found.logits.data, wanted.logits.data, NMSE_MODEL);
  expectNmse(`${folder}, greedy`, found.greedyLogits.data, wanted.greedyLogits.data, NMSE_MODEL);
}

interface Tokens {
  model: { vocab: Record<string, number> };
  added_tokens: { id: number }[];
}

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
  fovea.dispose();
  // Rows of the table beyond the tokenizer are unused tokens in the file, which no answer has.
  const { model, added_tokens } = await sharedJson<Tokens>(`golden/families/${folder}/model/tokenizer.json`);
  const known = new Set([...Object.values(model.vocab), ...added_tokens.map(({ id }) => id)]);
  const unknown = prompt.greedy.findIndex((id) => !known.has(id));
  const count = unknown < 0 ? prompt.greedy.length : unknown;
  expect(count).toBeGreaterThan(4);
  expect(greedy.slice(0, count)).toEqual(prompt.greedy.slice(0, count));
}
