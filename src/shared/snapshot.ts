/** Copies a caller's request, which waits for its turn while the caller goes on with the same objects. */
import { kindOf } from "./arguments.ts";

/** A picture's pixels lie five levels deep: request, messages, message, content, part, image. */
const MAX_DEPTH = 8;

/**
 * Returns a copy of plain objects and lists. Everything else stays the caller's own: pictures, buffers, signals.
 *
 * @param depth levels above this value; deeper ones are not copied, because requests may contain themselves
 */
export function snapshot<T>(value: T, depth = 0): T {
  if (depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return Array.from(value, (item) => snapshot(item, depth + 1)) as T;
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, snapshot(item, depth + 1)])) as T;
}

/** Objects of other frames have prototypes of their own. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || kindOf(value) !== "Object") return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
