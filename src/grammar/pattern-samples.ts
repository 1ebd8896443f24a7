/** Texts that a pattern of ours matches, to find out whether another pattern matches them too. */
import type { AST } from "@eslint-community/regexpp";
import { LinearPattern } from "../shared/linear-pattern.ts";
import { parsePattern } from "./parse-pattern.ts";

/** Each alternative of the formats' patterns occurs in so many. */
const SAMPLES = 400;
/** Further repetitions of a part without a limit. */
const FURTHER = 3;
/** zod's pattern of host names has 379 branches, that of ipv6 addresses 243. Samples have a few dozen characters. */
const MAX_BRANCHES = 1024;

/**
 * True if the pattern matches all samples of one of ours. This is evidence, not proof: patterns have lookaheads. False
 * for patterns that are invalid, and for those that cannot be matched in linear time, because the caller's are
 * untrusted.
 */
export function matchesSamples(pattern: string, ours: string): boolean {
  let theirs: LinearPattern;
  try {
    theirs = new LinearPattern(pattern, MAX_BRANCHES);
  } catch {
    return false;
  }
  const sample = sampler(parsePattern(ours));
  for (let i = 0; i < SAMPLES; i++) if (!theirs.test(sample())) return false;
  return true;
}

/** Returns a function whose calls return texts that the pattern matches: the same ones each time, in the same order. */
function sampler({ alternatives }: AST.Pattern): () => string {
  let state = 1;
  // Lehmer's generator.
  const below = (count: number) => {
    state = (state * 48271) % 2147483647;
    return state % count;
  };
  const oneOf = (list: readonly AST.Alternative[]): string =>
    list[below(list.length)]!.elements.map((element) => textOf(element)).join("");
  const textOf = (element: AST.Element): string => {
    switch (element.type) {
      case "Character":
        return String.fromCodePoint(element.value);
      case "CharacterSet":
        return String(below(10));
      case "CharacterClass": {
        const part = element.elements[below(element.elements.length)]!;
        if (part.type !== "CharacterClassRange") return part.type === "Character" ? textOf(part) : String(below(10));
        return String.fromCodePoint(part.min.value + below(part.max.value - part.min.value + 1));
      }
      case "Group":
      case "CapturingGroup":
        return oneOf(element.alternatives);
      case "Quantifier": {
        const most = Number.isFinite(element.max) ? element.max : element.min + FURTHER;
        const count = element.min + below(most - element.min + 1);
        return Array.from({ length: count }, () => textOf(element.element)).join("");
      }
      default:
        return "";
    }
  };
  return () => oneOf(alternatives);
}
