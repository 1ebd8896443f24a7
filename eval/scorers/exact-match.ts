/** GQA: the answer in lower case, without stops at its end, is the expected one. */
import { oneByOne } from "./scoring.ts";

/** As LLaVA's convert_gqa_for_eval.py prepares answers, and GQA's eval.py compares them. */
export function isExactMatch(answer: string, expected: string): boolean {
  return answer.trim().replace(/\.+$/, "").toLowerCase() === expected;
}

export const exactMatch = oneByOne("accuracy", ({ answer, expected }) =>
  Number(expected.some((one) => isExactMatch(answer, one))),
);
