/** Devices that the engine asks for itself, taken away from it at a chosen moment. For tests in the browser. */
import { vi } from "vitest";
import { type CountedDevice, countMemory, onWork } from "./engine.ts";

export interface OwnDevices {
  /** In the order in which they were made, each with its memory counted. */
  devices: CountedDevice[];
  /** Told of each device before the engine gets it. */
  onDevice: (device: GPUDevice) => void;
}

/** Follows all devices from now on, until mocks are restored. */
export function followDevices(): OwnDevices {
  const own: OwnDevices = { devices: [], onDevice: () => {} };
  const { requestDevice } = GPUAdapter.prototype;
  vi.spyOn(GPUAdapter.prototype, "requestDevice").mockImplementation(async function (this: GPUAdapter, descriptor) {
    const device = await requestDevice.call(this, descriptor);
    own.devices.push(countMemory(device));
    own.onDevice(device);
    return device;
  });
  return own;
}

/** Loses the device as it begins its `count`th piece of work of this label ("vision", "prefill", "decode", ...). */
export function loseAt(device: GPUDevice, label: string, count = 1): void {
  let seen = 0;
  const stop = onWork(device, (one) => {
    if (one !== label || ++seen < count) return;
    stop();
    device.destroy();
  });
}
