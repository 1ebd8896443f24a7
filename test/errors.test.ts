/** Errors: their messages stay readable, whatever untrusted text they quote. */
import { expect, test } from "vitest";
import { FoveaError } from "../src/errors.ts";

test("a long message keeps its start and its next step", () => {
  const { message } = new FoveaError("bad-weights", `tensor ${"x".repeat(5000)}: damaged; fetch the file again`);
  expect(message.length).toBeLessThan(1100);
  expect(message).toMatch(/^tensor x+ \.\.\. x+: damaged; fetch the file again$/);
  const short = `short ${"y".repeat(900)}`;
  expect(new FoveaError("bad-image", short).message).toBe(short);
});
