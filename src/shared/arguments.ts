/** Checks the kinds of public methods' arguments, in the page and in a worker. Values are checked where they are used. */

const SHOWN_CHARACTERS = 80;

/**
 * Throws TypeError unless `value` is an object with fields, and for the first field that is not among `known`. A field
 * whose value is undefined counts as missing. `name` is for the message.
 */
export function checkFields(name: string, value: unknown, known?: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${name} must be an object with fields, got ${kindOf(value)}`);
  const unknown = known && Object.entries(value).find(([key, field]) => field !== undefined && !known.includes(key));
  if (unknown)
    throw new TypeError(
      `${name}.${unknown[0].slice(0, SHOWN_CHARACTERS)} is not known; the fields are ${known.join(", ")}`,
    );
}

/** Throws TypeError unless `signal` is an AbortSignal or undefined. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !isSignal(signal))
    throw new TypeError(`signal must be an AbortSignal, got ${kindOf(signal)}`);
}

/** Throws TypeError unless `value` is a function or undefined. */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function")
    throw new TypeError(`${name} must be a function, got ${kindOf(value)}`);
}

/** Checks the tag, because `instanceof` fails for objects of another frame. */
export function isSignal(value: unknown): value is AbortSignal {
  return kindOf(value) === "AbortSignal";
}

/** The built-in class of a value, from any frame: "String", "Null", "Array", "AbortSignal", "GPUAdapter", ... */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Throws TypeError unless `name` is a string of 1 to 200 characters. */
export function checkName(name: unknown): void {
  if (typeof name !== "string" || name.length === 0 || name.length > 200)
    throw new TypeError(`the name of a conversation must be a string of 1 to 200 characters, got ${kindOf(name)}`);
}
