/** Whether the arguments of the public methods are of the kinds that they must be. What their values mean is checked where they are used. */
import type { LoadOptions } from "../api.ts";

/** Throws TypeError unless `value` is an object with fields; `name` is the argument's. */
export function checkFields(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${name} must be an object with fields, got ${kindOf(value)}`);
}

/** Throws TypeError for what is neither an AbortSignal nor missing. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !isSignal(signal))
    throw new TypeError(`signal must be the signal of an AbortController, got ${kindOf(signal)}`);
}

/** By its tag and not by `instanceof`, which fails for objects of another frame. */
export function isSignal(value: unknown): value is AbortSignal {
  return kindOf(value) === "AbortSignal";
}

/** Throws TypeError for an option of a wrong kind, RangeError for a value that is not among those supported. */
export function checkLoadOptions(options: LoadOptions): void {
  checkFields("options", options);
  const { device, precision, weights, cache, signal, onProgress } = options;
  checkSignal(signal);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new TypeError(`onProgress must be a function, got ${kindOf(onProgress)}`);
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

/** "String", "Null", "Array", "GPUAdapter", ... */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
