import { expect, test } from "vitest";
import { chooseVariant, variantLines } from "../../tools/variants.mjs";

const variant = (name: string, bytes: number, more = {}) => ({
  ...{ name, bytes, file: `m-${name}.gguf`, fits: true, chosen: false },
  ...more,
});
const VARIANTS = [
  variant("Q4_K_M", 5e9, { fits: false }),
  variant("Q4_0", 123_456_789, { chosen: true }),
  variant("Q8_0", 1e6),
];

test("lists sizes, what may not fit, and what is read", () => {
  expect(variantLines(VARIANTS)).toEqual([
    "  1  Q4_K_M   5000.0 MB  m-Q4_K_M.gguf  may not fit",
    "  2  Q4_0      123.5 MB  m-Q4_0.gguf  read unless another is named",
    "  3  Q8_0        1.0 MB  m-Q8_0.gguf",
  ]);
});

test.for([
  [[""], "m-Q4_0.gguf"],
  [["3"], "m-Q8_0.gguf"],
  [["q4_k_m"], "m-Q4_K_M.gguf"],
  [["4", "-1", "Q5", " 1 "], "m-Q4_K_M.gguf"],
] as const)("the answers %j choose %s", async ([answers, file]) => {
  const asked: string[] = [];
  const chosen = await chooseVariant(VARIANTS, async (question) => {
    asked.push(question);
    return answers[asked.length - 1]!;
  });
  expect(chosen).toBe(file);
  expect(asked).toHaveLength(answers.length);
  expect(asked[0]).toContain("has 3 quantisations");
  expect(asked.at(-1)).toMatch(/Which one\? 1 to 3, or a name \[2\]: $/);
});
