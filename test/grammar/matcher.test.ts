/** What a matcher keeps between answers. */
import { expect, test } from "vitest";
import { makeMatcher } from "../support/grammar-walk.ts";

test("a format is compiled once, until sixteen others came after it", async () => {
  let compiled = 0;
  const matcher = await makeMatcher(() => compiled++);
  const ask = (option: string) => matcher.begin({ type: "choice", text: JSON.stringify([option]) });
  await ask("a");
  await ask("b");
  const { mask } = await ask("a");
  expect(mask.filter((word) => word !== 0)).toHaveLength(1);
  expect(compiled).toBe(2);
  for (let i = 0; i < 16; i++) await ask(`c${i}`);
  expect(compiled).toBe(18);
  await ask("c15");
  expect(compiled).toBe(18);
  await ask("a");
  expect(compiled).toBe(19);
});
