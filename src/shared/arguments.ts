/** Of what kind the arguments of public methods are, on either side of a worker. What values mean is checked where they are used. */

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

/** Throws TypeError for what is neither a function nor missing. */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function")
    throw new TypeError(`${name} must be a function, got ${kindOf(value)}`);
}

/** By its tag and not by `instanceof`, which fails for objects of another frame. */
export function isSignal(value: unknown): value is AbortSignal {
  return kindOf(value) === "AbortSignal";
}

/** The built-in class of a value, of whichever frame: "String", "Null", "Array", "AbortSignal", "GPUAdapter", ... */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
