/** Whether the options of loading are of the kinds that they must be, and among those supported. */
import type { LoadOptions } from "../api.ts";
import { checkFields, checkFunction, checkSignal, kindOf } from "../shared/arguments.ts";

/** Throws TypeError for an option of a wrong kind, RangeError for a value that is not among those supported. */
export function checkLoadOptions(options: LoadOptions): void {
  checkFields("options", options);
  const { device, precision, weights, cache, signal, onProgress } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  // By its methods: outside the browser a device may be of any class.
  if (device !== undefined && typeof device?.createBuffer !== "function")
    throw new TypeError(`device must be a GPUDevice, got ${kindOf(device)}`);
  checkChoice("precision", precision, ["auto", "f32"]);
  checkChoice("weights", weights, ["auto", "f32"]);
  checkChoice("cache", cache, ["none"]);
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string))
    throw new RangeError(
      `${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, got ${JSON.stringify(value)}`,
    );
}
