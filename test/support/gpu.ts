/** Helpers for tests of kernels: a device, random inputs with a printed seed, poisoned outputs, comparison. */
import { afterAll, beforeAll, expect } from "vitest";
import { Gpu } from "../../src/gpu/device.ts";
import { type Capabilities, withCapabilities as changed, type Recorder } from "../../src/gpu/pass.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import { type ElementType, type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import { SOFTWARE } from "../../src/kernels/software.ts";
import type { Shape } from "../../src/shared/shape.ts";
import { expectDevice, SUBGROUPS } from "./device.ts";
import { sharedDevice } from "./shared-devices.ts";

export { DEVICE_KINDS, SUBGROUPS } from "./device.ts";
export { freshRandom, Random } from "./random.ts";

/** A device for the suite; checks at the end that the GPU refused nothing and that all memory can be freed. */
export function useGpu(): { gpu: () => Gpu } {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await Gpu.open();
    // Kernels are tested as on software adapters too.
    await SOFTWARE.load();
    expectDevice(gpu);
  });
  afterAll(async () => {
    await gpu.idle();
    expect(gpu.pipelines.lateCompiles, "pipelines that were not compiled ahead").toBe(0);
    gpu.dispose();
    expect(gpu.arena.bytes).toBe(0);
  });
  return { gpu: () => gpu };
}

/** The device of the page, for models; see shared-devices.ts. */
export function useDevice(): { device: () => GPUDevice } {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await sharedDevice("raised");
  });
  return { device: () => device };
}

/** A tensor with these values. */
export function inputTensor(gpu: Gpu, shape: Shape, values: ArrayLike<number>, type: ElementType = "f32"): Tensor {
  const tensor = gpu.arena.tensor("input", shape, type);
  const Values = { f32: Float32Array, u32: Uint32Array, i32: Int32Array }[type];
  gpu.upload(tensor, Values.from(values));
  return tensor;
}

/** A tensor full of NaN (or 0xffffffff), so that what a kernel does not write is seen. */
export function outputTensor(gpu: Gpu, shape: Shape, type: ElementType | "f16" = "f32"): Tensor {
  const tensor = gpu.arena.tensor("output", shape, type);
  gpu.upload(tensor, new Uint32Array(tensorByteLength(tensor) / 4).fill(0xffffffff));
  return tensor;
}

/** Runs a body of dispatches and reads one tensor back. */
export async function runAndRead(gpu: Gpu, output: Tensor, body: (recorder: Recorder) => void) {
  await gpu.compile(body);
  gpu.submit("test", body);
  return readTensor(gpu, output);
}

/** The same work as on a device that differs in these capabilities. */
export function withCapabilities(
  changes: Partial<Capabilities>,
  body: (recorder: Recorder) => void,
): (recorder: Recorder) => void {
  return (recorder) => body(changed(recorder, changes));
}

/**
 * Runs a body of dispatches into a poisoned output of this shape, and gives the result to `check`. Runs first as on a
 * device without subgroups, then with subgroups where this device has them.
 */
export async function checkVariants(
  gpu: Gpu,
  shape: Shape,
  body: (recorder: Recorder, output: Tensor) => void,
  check: (values: Float32Array, variant: string) => void,
): Promise<void> {
  for (const subgroups of SUBGROUPS) {
    const output = outputTensor(gpu, shape);
    const record = withCapabilities({ subgroups }, (recorder) => body(recorder, output));
    const values = await runAndRead(gpu, output, record);
    gpu.arena.free(output);
    check(values as Float32Array, subgroups ? "subgroups" : "workgroup memory");
  }
}
