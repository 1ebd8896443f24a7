/**
 * True if an answer follows one of the sixteen verifiable instructions (Yang et al., arXiv 2411.15453, "Evaluation";
 * the checks are IFEval's, Zhou et al., arXiv 2311.07911). Text only; question-checks.ts checks if the answer is true.
 */
import { countSentences } from "./sentences.ts";

/** An instruction, with the names of the evaluation set's files. */
export type Instruction =
  | { task: 1 | 2 | 3 | 6 | 9 | 14 }
  | { task: 4 | 8 | 11; n: number }
  | { task: 5; marker: "P.S." | "P.P.S" }
  | { task: 7; keywords: string[] }
  | { task: 10; n: number; word: string }
  | { task: 12 | 13; n: number; relation: "at least" | "less than" }
  | { task: 15; phrase: string }
  | { task: 16; phrase: string }
  | { task: 16; quotes: true };

/** Task -> its name in tables, in the paper's order. */
export const TASK_NAMES: Record<Instruction["task"], string> = {
  1: "no commas",
  2: "lowercase",
  3: "uppercase",
  4: "placeholders",
  5: "postscript",
  6: "title",
  7: "keywords",
  8: "highlights",
  9: "JSON",
  10: "sections",
  11: "bullets",
  12: "sentences",
  13: "words",
  14: "two answers",
  15: "end",
  16: "start",
};

/** Detects the language of an answer in lower or upper case; returns its English name. */
export type LanguageDetector = (text: string) => string;

const assumeEnglish: LanguageDetector = () => "English";

/** Strict: the answer is not blank, and passes the task's check as it stands. */
export function follows(instruction: Instruction, answer: string, detectLanguage = assumeEnglish): boolean {
  return answer.trim() !== "" && passes(instruction, answer, detectLanguage);
}

/**
 * Loose: any of eight variants passes. They are the answer as it is, without its first line, without its last and without
 * both, each with and without its asterisks.
 */
export function followsLoosely(instruction: Instruction, answer: string, detectLanguage = assumeEnglish): boolean {
  const lines = answer.split("\n");
  const cut = [lines.slice(1), lines.slice(0, -1), lines.slice(1, -1)].map((rest) => rest.join("\n").trim());
  return [answer, ...cut].some(
    (variant) =>
      follows(instruction, variant, detectLanguage) ||
      follows(instruction, variant.replaceAll("*", ""), detectLanguage),
  );
}

function passes(instruction: Instruction, answer: string, detectLanguage: LanguageDetector): boolean {
  switch (instruction.task) {
    case 1:
      return !answer.includes(",");
    case 2:
      return /\p{Lowercase}/u.test(answer) && !/[\p{Uppercase}\p{Lt}]/u.test(answer) && isEnglish(answer);
    case 3:
      return /\p{Uppercase}/u.test(answer) && !/[\p{Lowercase}\p{Lt}]/u.test(answer) && isEnglish(answer);
    case 4:
      return count(answer, /\[[^\n]*?\]/g) >= instruction.n;
    case 5:
      return (instruction.marker === "P.P.S" ? /p\.\s?p\.\s?s/ : /p\.\s?s\./).test(answer.toLowerCase());
    case 6:
      return (answer.match(/<<[^\n]+>>/g) ?? []).some((title) => /[^<>\s]/.test(title));
    case 7:
      return instruction.keywords.every((word) => answer.toLowerCase().includes(word.toLowerCase()));
    case 8:
      return highlights(answer) >= instruction.n;
    case 9:
      return isJson(answer);
    case 10:
      return count(answer, new RegExp(`${literally(instruction.word)}\\s?\\p{Nd}`, "gu")) >= instruction.n;
    case 11:
      // Not `^`, which in JavaScript also matches after a lone carriage return.
      return count(answer, /(?<![^\n])\s*\*[^*][^\n]*/g) + count(answer, /(?<![^\n])\s*-[^\n]*/g) === instruction.n;
    case 12:
      return compare(countSentences(answer), instruction);
    case 13:
      return compare(count(answer, /[\p{L}\p{N}_]+/gu), instruction);
    case 14:
      return hasTwoAnswers(answer);
    case 15:
      return trimQuotes(answer.trim()).toLowerCase().endsWith(instruction.phrase.trim().toLowerCase());
    case 16: {
      if ("quotes" in instruction) return /^".*"$/s.test(answer.trim());
      const { phrase } = instruction;
      return answer.split("\n").some((line) => line.trimStart().startsWith(phrase));
    }
  }
  function isEnglish(text: string): boolean {
    return detectLanguage(text) === "English";
  }
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function compare(found: number, { n, relation }: { n: number; relation: "at least" | "less than" }): boolean {
  return relation === "at least" ? found >= n : found < n;
}

/** The second pattern finds `**two stars**`, between which the first finds only blanks. */
function highlights(answer: string): number {
  const parts = [...answer.matchAll(/\*([^\n*]*)\*/g), ...answer.matchAll(/\*\*([^\n*]*)\*\*/g)];
  return parts.filter(([, inside = ""]) => inside.trim() !== "").length;
}

function isJson(answer: string): boolean {
  const fenced = /^```(?:json)?(.*)```$/is.exec(answer.trim());
  try {
    JSON.parse(fenced?.[1] ?? answer);
    return true;
  } catch {
    return false;
  }
}

/** A separator at the start or end is ignored; two in a row have a blank answer between them. */
function hasTwoAnswers(answer: string): boolean {
  const pieces = answer.split("******").map((piece) => piece.trim());
  if (pieces.at(-1) === "") pieces.pop();
  if (pieces[0] === "") pieces.shift();
  const [first, second] = pieces;
  return pieces.length === 2 && first !== "" && second !== "" && first !== second;
}

function trimQuotes(text: string): string {
  return text.replace(/^"+|"+$/g, "");
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
