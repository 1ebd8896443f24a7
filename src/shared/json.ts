/** Small helpers for JSON values from untrusted files and callers. None of them recurses as deep as its value. */

/** A name from outside, quoted for a message and cut to a readable length. */
export function quoted(name: string): string {
  return name.length <= 100 ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, 100))}...`;
}

/** A JSON object, as opposed to an array, a plain value or null. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Files in use are nested about ten levels deep. Readers recurse, and each level takes a part of the stack. */
export const MAX_JSON_LEVELS = 100;

/** True if lists and objects are nested more than `MAX_JSON_LEVELS` deep, or contain themselves. */
export function isTooDeep(value: unknown): boolean {
  let level: Iterable<unknown> & { readonly size: number } = new Set([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > MAX_JSON_LEVELS) return true;
    // Once each: a caller's object may hold itself at several places, which would double every level.
    const next = new Set<unknown>();
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      for (const part of Array.isArray(one) ? one : Object.values(one))
        if (typeof part === "object" && part !== null) next.add(part);
    }
    level = next;
  }
  return false;
}

const SHOWN_CHARACTERS = 80;
const SHOWN_LEVELS = 4;

/** Any value for a message: as JSON, on one line, at most 80 characters. Never throws, whatever the value contains. */
export function shown(value: unknown): string {
  let text: string;
  try {
    text = written(value, SHOWN_LEVELS);
  } catch {
    // Getters and proxies of a caller may throw.
    text = "an object that cannot be read";
  }
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}...` : text;
}

/** Writes little more than what `shown` returns. */
function written(value: unknown, levels: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_CHARACTERS + 1));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (levels === 0) return `${open}...${close}`;
  const parts: string[] = [];
  let length = 0;
  const add = (part: string): boolean => {
    parts.push(part);
    length += part.length + 1;
    return length <= SHOWN_CHARACTERS;
  };
  if (isList) for (let i = 0; i < value.length && add(written(value[i], levels - 1)); i++);
  else {
    for (const [key, part] of Object.entries(value)) {
      const name = JSON.stringify(key.slice(0, SHOWN_CHARACTERS));
      if (!add(`${name}:${written(part, levels - 1)}`)) break;
    }
  }
  return open + parts.join(",") + close;
}
