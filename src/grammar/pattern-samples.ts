/** Texts that a pattern of ours matches, to find out whether another pattern matches them too. */
import { type AST, RegExpParser } from "@eslint-community/regexpp";

/** Each alternative of the formats' patterns occurs in so many. */
const SAMPLES = 400;
/** Further repetitions of a part without a limit. */
const FURTHER = 3;

/** True if the pattern matches all samples of one of ours. This is evidence, not proof: patterns have lookaheads. */
export function matchesSamples(pattern: string, ours: string): boolean {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, "u");
  } catch {
    return false;
  }
  const { alternatives } = new RegExpParser({ ecmaVersion: 2024 }).parsePattern(ours, 0, ours.length, {
    unicode: true,
  });
  let state = 1;
  // A generator of Lehmer: the same samples each time.
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
  for (let i = 0; i < SAMPLES; i++) if (!expression.test(oneOf(alternatives))) return false;
  return true;
}
