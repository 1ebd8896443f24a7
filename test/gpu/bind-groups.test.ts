/** The cache of bind groups: one for each place in the same buffers, and none that holds a freed buffer. */
import { expect, test } from "vitest";
import { BindGroups } from "../../src/gpu/bind-groups.ts";
import type { CompiledPipeline } from "../../src/gpu/pipelines.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";

const tensor = (buffer: GPUBuffer, byteOffset = 0): Tensor => ({ buffer, byteOffset, shape: [4], type: "f32" });
const buffer = (label: string) => ({ label }) as GPUBuffer;

test("groups are kept by pipeline, buffers and offsets, until one of their buffers is freed", () => {
  const groups = new BindGroups({ createBindGroup: () => ({}) } as unknown as GPUDevice);
  const [params, x, y] = [buffer("params"), buffer("x"), buffer("y")];
  const get = (id: number, ...tensors: Tensor[]) =>
    groups.get({ id, takesImmediates: false } as CompiledPipeline, tensors, params, 16);
  const both = get(1, tensor(x), tensor(y));
  expect(get(1, tensor(x), tensor(y))).toBe(both);
  const alone = get(1, tensor(y));
  const others = [get(1, tensor(y), tensor(x)), get(1, tensor(x, 256), tensor(y)), get(2, tensor(x), tensor(y)), alone];
  expect(new Set([both, ...others]).size).toBe(5);
  expect(groups.size).toBe(5);
  groups.forget(x);
  expect(groups.size).toBe(1);
  expect(get(1, tensor(y))).toBe(alone);
  expect(get(1, tensor(x), tensor(y))).not.toBe(both);
});
