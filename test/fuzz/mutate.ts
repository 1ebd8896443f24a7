/** Mutations of good inputs. All of them follow from one seeded generator, so a seed repeats a run. */
import type { Random } from "../support/random.ts";

/** Values at which readers break: limits of number types, wrong kinds, long and deep ones, names that objects inherit. */
const ODD_NUMBERS = [0, -0, -1, 1, 0.5, 255, 65536, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53, 2 ** 64, 1e308, -1e308, 1e-320];
const ODD_TEXTS = [
  "",
  " ",
  "\0",
  "__proto__",
  "constructor",
  "../../x",
  "a".repeat(5000),
  "\ud800",
  "é😀\u202e",
  "NaN",
];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

function oddValue(random: Random): unknown {
  const kinds = [
    () => pick(random, ODD_NUMBERS),
    () => pick(random, ODD_TEXTS),
    () => null,
    () => true,
    () => [],
    () => ({}),
    () => deep(random.integer(1, 600)),
    () => new Array<number>(random.integer(0, 2000)).fill(7),
    () => ({ ["__proto__"]: 1, toString: 2 }),
  ];
  return pick(random, kinds)();
}

/** A copy of a JSON value with one to four places replaced, removed, doubled or moved. */
export function mutateJson(random: Random, seed: unknown): unknown {
  const copy = structuredClone(seed);
  for (let count = random.integer(1, 4); count > 0; count--) {
    const places: [holder: Record<string, unknown>, name: string][] = [];
    const visit = (value: unknown, depth: number): void => {
      if (typeof value !== "object" || value === null || depth > 12 || places.length > 5000) return;
      for (const name of Object.keys(value)) {
        places.push([value as Record<string, unknown>, name]);
        visit((value as Record<string, unknown>)[name], depth + 1);
      }
    };
    visit(copy, 0);
    if (places.length === 0) return oddValue(random);
    // Places near the top are few but matter most.
    const [holder, name] =
      random.uniform() < 0.5 ? pick(random, places) : places[random.integer(0, Math.min(30, places.length - 1))]!;
    const kind = random.integer(0, 4);
    if (kind === 0) delete holder[name];
    else if (kind === 1) holder[name] = structuredClone(pick(random, places)[0]);
    else if (kind === 2 && typeof holder[name] === "string") holder[name] = mutateText(random, holder[name]);
    else if (kind === 3 && typeof holder[name] === "number")
      holder[name] = (holder[name] as number) * pick(random, [-1, 0.5, 2, 1e6]);
    else holder[name] = oddValue(random);
  }
  // Holes in lists are null in a file.
  return JSON.parse(JSON.stringify(copy));
}

/** A text with pieces repeated, removed, moved or replaced. */
export function mutateText(random: Random, seed: string, maxLength = 20_000): string {
  let text = seed;
  for (let count = random.integer(1, 4); count > 0; count--) {
    const from = random.integer(0, text.length);
    const to = Math.min(text.length, from + random.integer(0, random.uniform() < 0.5 ? 8 : 200));
    const piece = text.slice(from, to);
    const insert = pick(random, [
      () => "",
      () => piece.repeat(random.integer(2, 3)),
      () => piece.repeat(Math.floor(maxLength / Math.max(1, piece.length))),
      () => pick(random, ODD_TEXTS),
      () => String.fromCharCode(random.integer(0, 127)).repeat(random.integer(1, 20)),
    ])();
    text = text.slice(0, from) + insert + text.slice(pick(random, [from, to]));
  }
  return text.slice(0, maxLength);
}

/** Bytes with some flipped, cut off, doubled or set to a limit. */
export function mutateBytes(random: Random, seed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(
    seed.subarray(0, random.uniform() < 0.3 ? random.integer(0, seed.length) : seed.length),
  );
  for (let count = random.integer(0, 8); count > 0 && bytes.length > 0; count--) {
    // Headers lie at the start.
    const at = random.integer(0, Math.min(bytes.length, random.uniform() < 0.7 ? 64 : bytes.length) - 1);
    bytes[at] = pick(random, [0, 1, 127, 128, 255, random.integer(0, 255)]);
  }
  return bytes;
}
