/** The device that the browser of the tests must give, so that no variant of a kernel goes untested in silence. */
import { expect } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";

/** Known properties of a device; the others may be anything. */
export interface ExpectedDevice {
  browser?: "chromium" | "firefox";
  /** Part of the adapter's name; "" where the browser reveals none. */
  adapter: string;
  subgroups: boolean;
  /** Parameters as immediates, a feature of the browser. */
  immediates?: boolean;
  software?: boolean;
  f16?: boolean;
}

export const DEVICE: ExpectedDevice = JSON.parse(import.meta.env.VITE_DEVICE);

/** Features of a device by which variants are chosen. */
function featuresOf(gpu: Gpu): Omit<Required<ExpectedDevice>, "browser" | "adapter"> {
  const { subgroups, software } = gpu.capabilities;
  const immediates = navigator.gpu.wgslLanguageFeatures?.has("immediate_address_space") ?? false;
  return { subgroups, immediates, software, f16: gpu.device.features.has("shader-f16") };
}

/** Fails unless the device is the expected one: without the right flags a browser may quietly give another. */
export function expectDevice(gpu: Gpu): void {
  const { browser, adapter, ...known } = DEVICE;
  expect(gpu.adapterName).toContain(adapter);
  expect(featuresOf(gpu)).toMatchObject(known);
}

/** The adapter and the features of a device in a few words, for the summary of `npm test`. */
export function describeDevice(gpu: Gpu): string {
  const features = Object.entries(featuresOf(gpu)).map(([name, has]) => (has ? name : `no ${name}`));
  return `${gpu.adapterName} (${features.join(", ")})`;
}

/** Without subgroups, and with them where the device has them. */
export const SUBGROUPS: readonly boolean[] = DEVICE.subgroups ? [false, true] : [false];

/** A GPU without subgroups, one with them, and a software adapter: what kernels of single rows tell apart. */
export const DEVICE_KINDS = [false, true]
  .flatMap((software) => SUBGROUPS.map((subgroups) => ({ software, subgroups })))
  .filter(({ software, subgroups }) => !software || subgroups === DEVICE.subgroups);
