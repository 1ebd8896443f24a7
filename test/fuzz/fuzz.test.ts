/** Ten seconds of fuzzing in each test run, with a fresh seed. `npm run fuzz` takes longer and repeats a seed. */
import { expect, test } from "vitest";
import { fuzz, table } from "./fuzz.ts";

test("readers of untrusted bytes refuse or read every input, soon", { timeout: 120_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const outcomes = await fuzz({ seconds: 10, seed });
  console.log(`seed ${seed}\n${table(outcomes)}`);
  expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);
  for (const { reader, inputs } of outcomes) expect(inputs, reader).toBeGreaterThan(5);
});
