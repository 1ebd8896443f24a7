/** Patterns with bounds on the length of the whole text, where one repetition alone decides it. */
import type { AST } from "@eslint-community/regexpp";
import { parsePattern } from "./parse-pattern.ts";

/**
 * The pattern with its only variable repetition narrowed, so that texts have so many characters. Undefined where more
 * than one part varies, or where no length fits. A pattern that searches, not bounded by ^ and $, counts as matching
 * the whole.
 *
 * @throws SyntaxError for an invalid pattern
 */
export function sizedPattern(pattern: string, least: number, most: number): string | undefined {
  const [only, ...others] = parsePattern(pattern).alternatives;
  if (!only || others.length > 0) return undefined;
  let fixed = 0;
  let varying: { part: AST.Quantifier; size: number } | undefined;
  for (const element of only.elements) {
    const size = sizeOf(element);
    if (size !== undefined) {
      fixed += size;
      continue;
    }
    const inner = element.type === "Quantifier" ? sizeOf(element.element) : undefined;
    if (element.type !== "Quantifier" || !inner || varying) return undefined;
    varying = { part: element, size: inner };
  }
  if (!varying) return fixed >= least && fixed <= most ? pattern : undefined;
  const { part, size } = varying;
  const min = Math.max(part.min, Math.ceil((least - fixed) / size));
  const max = Math.min(part.max, Math.floor((most - fixed) / size));
  if (max < min) return undefined;
  const count = `{${min},${Number.isFinite(max) ? max : ""}}`;
  return pattern.slice(0, part.start) + part.element.raw + count + pattern.slice(part.end);
}

/** Characters of every text that the element matches; undefined where they differ. */
function sizeOf(element: AST.Element): number | undefined {
  switch (element.type) {
    case "Character":
    case "CharacterSet":
    case "CharacterClass":
      return 1;
    case "Assertion":
      return 0;
    case "Group":
    case "CapturingGroup": {
      const sizes = element.alternatives.map(({ elements }) => sumOf(elements));
      return sizes.every((size) => size === sizes[0]) ? sizes[0] : undefined;
    }
    case "Quantifier": {
      const size = sizeOf(element.element);
      return element.min === element.max && size !== undefined ? element.min * size : undefined;
    }
    default:
      return undefined;
  }
}

function sumOf(elements: readonly AST.Element[]): number | undefined {
  return elements.reduce<number | undefined>((sum, element) => {
    const size = sizeOf(element);
    return sum === undefined || size === undefined ? undefined : sum + size;
  }, 0);
}
