/** The choice of tokens that goes on after an answer's earlier ones, as it does on another device. */
import { expect, test } from "vitest";
import { type ChoiceBuffers, GREEDY, TokenChoice } from "../../src/generate/token-choice.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";

test("bias and counts are there: of all tokens but the last, which is counted with the next choice", async () => {
  const uploads = new Map<string, number[]>();
  const upload = ({ buffer }: Tensor, values: Iterable<number>) => uploads.set(buffer.label, [...values]);
  const gpu = { compile: async () => {}, upload } as unknown as Gpu;
  const tensor = (label: string) =>
    ({ buffer: { label }, byteOffset: 0, shape: [8], type: "f32" }) as unknown as Tensor;
  const buffers = { bias: tensor("bias"), counts: tensor("counts") } as ChoiceBuffers;
  const choice = new TokenChoice(gpu, buffers, tensor("logits"));
  await choice.prepare({ ...GREEDY, frequencyPenalty: 1, logitBias: new Map([[3, 2]]) }, [5, 1, 5]);
  expect(uploads.get("counts")).toEqual([0, 1, 0, 0, 0, 1, 0, 0]);
  expect(uploads.get("bias")).toEqual([0, 0, 0, 2, 0, 0, 0, 0]);
});
