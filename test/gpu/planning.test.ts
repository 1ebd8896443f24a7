/** The counting GPU: what a plan of memory is made with. */
import { describe, expect, test, vi } from "vitest";
import { ParamsSlab } from "../../src/gpu/pass.ts";
import { PlanningGpu } from "../../src/gpu/planning.ts";
import { partsOf, tensorByteLength } from "../../src/gpu/tensor.ts";

const MIB = 2 ** 20;

describe("a counting GPU", () => {
  test("begins with what every device begins with", () => {
    expect(new PlanningGpu(undefined).arena.bytes).toBe(ParamsSlab.byteLength);
  });

  test("counts tensors, packed ones with their scales, and what is freed", () => {
    const { arena } = new PlanningGpu(undefined);
    const before = arena.bytes;
    const scope = arena.scope();
    const first = scope.tensor("f32", [3, 5]);
    scope.tensor("q4", [4, 64], "q4");
    scope.buffer("odd", 5, 0);
    // 4 x 32 bytes of values, 8 scales of two bytes.
    expect(arena.bytes - before).toBe(60 + (128 + 16) + 8);
    scope.free(first);
    expect(arena.bytes - before).toBe(144 + 8);
    scope.dispose();
    expect(arena.bytes).toBe(before);
    expect(arena.peakBytes - before).toBe(60 + 144 + 8);
  });

  test("forgets a scope that was disposed of, as requests make one after another", () => {
    const { arena } = new PlanningGpu(undefined);
    const [gone, live] = [arena.scope(), arena.scope()];
    gone.dispose();
    const disposals = [gone, live].map((scope) => vi.spyOn(scope, "dispose"));
    arena.dispose();
    expect(disposals.map(({ mock }) => mock.calls.length)).toEqual([0, 1]);
  });

  test("splits matrices where the device would, and nothing without a device", () => {
    const limits = { maxBufferSize: 2 * MIB, maxStorageBufferBindingSize: MIB };
    const shape = [1000, 512];
    const split = new PlanningGpu(limits).arena.matrix("matrix", shape);
    // 512 rows of 2 KiB are the limit.
    expect(partsOf(split).map((part) => part.shape)).toEqual([
      [512, 512],
      [488, 512],
    ]);
    expect(partsOf(new PlanningGpu(undefined).arena.matrix("matrix", shape))).toHaveLength(1);
  });

  test("counts what is too large for the device: a plan says so, it does not fail", () => {
    const { arena } = new PlanningGpu({ maxBufferSize: MIB, maxStorageBufferBindingSize: MIB });
    const before = arena.bytes;
    const tensor = arena.tensor("large", [MIB]);
    expect(arena.bytes - before).toBe(tensorByteLength(tensor));
    arena.texture("large", 1024, 1024, 0);
    expect(arena.bytes - before).toBe(8 * MIB);
  });

  test("records and uploads nothing, as a device with few capabilities unless told otherwise", () => {
    const gpu = new PlanningGpu(undefined, { subgroups: true });
    const tensor = gpu.arena.tensor("tensor", [4]);
    const { bytes } = gpu.arena;
    gpu.upload();
    gpu.recorder.copy(tensor, tensor);
    expect(gpu.arena.bytes).toBe(bytes);
    expect(gpu.recorder.capabilities).toMatchObject({ subgroups: true, software: false, f16: "none" });
  });
});
