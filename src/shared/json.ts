/** Small helpers for JSON values from untrusted files. */

/** A name from outside, quoted for a message and cut to a readable length. */
export function quoted(name: string): string {
  return name.length <= 100 ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, 100))}...`;
}

/** A JSON object, as opposed to an array, a plain value or null. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
