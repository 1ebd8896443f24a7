/**
 * Reports the loss of a device. A reaction to `GPUDevice.lost` cannot be removed: it would hold its engine as long as a
 * caller keeps the device. So each device gets one reaction, and engines subscribe to that.
 */

type LossListener = (info: GPUDeviceLostInfo) => void;

interface LossWatch {
  readonly listeners: Set<LossListener>;
  info: GPUDeviceLostInfo | undefined;
}

const watches = new WeakMap<GPUDevice, LossWatch>();

function watchOf(device: GPUDevice): LossWatch {
  const known = watches.get(device);
  if (known) return known;
  const watch: LossWatch = { listeners: new Set(), info: undefined };
  watches.set(device, watch);
  void device.lost.then((info) => {
    watch.info = info;
    for (const listener of watch.listeners) listener(info);
    watch.listeners.clear();
  });
  return watch;
}

/** Calls `listener` once when the device is lost, at once if it is lost already. Returns a function that unsubscribes. */
export function onDeviceLoss(device: GPUDevice, listener: LossListener): () => void {
  const watch = watchOf(device);
  if (watch.info) listener(watch.info);
  else watch.listeners.add(listener);
  return () => watch.listeners.delete(listener);
}

/** Resolves when the device is lost, after `milliseconds` at the latest. */
export function lossWithin(device: GPUDevice, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    const forget = onDeviceLoss(device, () => queueMicrotask(done));
  });
}
