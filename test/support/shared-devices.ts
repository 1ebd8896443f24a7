/**
 * Devices that all test files of a page share, so that each pipeline is compiled once a page: the software adapter takes most
 * of a small model's load for that. A file that loses its device, or measures compilation, opens one of its own.
 */
import { requestDevice } from "../../src/gpu/device.ts";

const OPEN = {
  /** As the engine opens it: with the adapter's features and limits. */
  raised: requestDevice,
  /** With the limits of the standard, and no feature. */
  standard: async () => (await navigator.gpu.requestAdapter())!.requestDevice(),
};
const devices = new Map<keyof typeof OPEN, Promise<GPUDevice>>();

/** The page's device of a kind. The caller does not destroy it. A lost one is replaced. */
export async function sharedDevice(kind: keyof typeof OPEN): Promise<GPUDevice> {
  const known = devices.get(kind);
  if (known) return known;
  const opened = OPEN[kind]();
  devices.set(kind, opened);
  void opened.then(({ lost }) => lost).finally(() => devices.delete(kind));
  return opened;
}
