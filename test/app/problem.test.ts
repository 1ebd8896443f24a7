/** Problems on the page: short words with a next step, and models to choose instead of one that does not run. */
import { expect, test } from "vitest";
import { problemOf } from "../../src/app/logic/problem.ts";
import { FoveaError } from "../../src/errors.ts";
import { withModel } from "../../src/weights/open-model.ts";
import { QUICK_RETRY } from "../support/quick-retry.ts";

const failure = (text: string) => new FoveaError("download-failed", text);

test("a hub that cannot be reached is said in few words, with the rest in details", async () => {
  const options = { hubUrl: "http://127.0.0.1:9/", retry: QUICK_RETRY };
  const error: unknown = await withModel("owner/name", options, (folder) => folder.text("config.json")).catch((e) => e);
  const problem = problemOf(error)!;
  expect(problem).toMatchObject({
    code: "download-failed",
    message: "127.0.0.1:9 cannot be reached.",
    next: "Check the connection and try again.",
  });
  expect(problem.details).toMatch(/^hf:owner\/name: the connection to .* gave up after/);
});

test("the hub has its own name", () => {
  const text =
    "hf:a/b: the connection to https://huggingface.co/api/models/a/b failed (Failed to fetch); gave up after 5";
  expect(problemOf(failure(text))).toMatchObject({
    message: "Hugging Face cannot be reached.",
    next: "Check the connection and try again.",
  });
  const status = problemOf(failure("config.json: HTTP 503 at https://example.org/"))!;
  expect(status).toMatchObject({ message: "config.json: HTTP 503 at https://example.org/." });
  expect(status.details).toBe(undefined);
});
