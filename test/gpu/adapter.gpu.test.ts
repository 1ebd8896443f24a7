/** The ground that all tests of shaders stand on: there is a WebGPU adapter, and it is the one that was asked for. */
import { expect, test } from "vitest";
import { describeDevice, expectDevice } from "../support/device.ts";
import { useGpu } from "../support/gpu.ts";

const { gpu } = useGpu();

test("there is a device, and its adapter is the one that the flags choose", ({ task }) => {
  expect(gpu().adapterName).not.toBe("");
  expectDevice(gpu());
  // The summary of `npm test` names it.
  Object.assign(task.meta, { device: describeDevice(gpu()) });
});
