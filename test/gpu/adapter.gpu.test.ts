/** The ground that all tests of shaders stand on: there is a WebGPU adapter, and it is the one that was asked for. */
import { expect, test } from "vitest";
import { useGpu } from "../support/gpu.ts";

const { gpu } = useGpu();

test("there is a device, and its adapter is the one that the flags choose", () => {
  console.log(`WebGPU adapter: ${gpu().adapterName}`);
  expect(gpu().adapterName).not.toBe("");
  expect(gpu().adapterName).toContain(import.meta.env.VITE_ADAPTER);
});
