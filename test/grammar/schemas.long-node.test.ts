/** Answers of five hundred random schemas, which take a minute: `npm test -- long`. */
import { beforeAll, describe, test } from "vitest";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { makeMatcher } from "../support/grammar-walk.ts";
import { walkSchemas } from "../support/schema-walks.ts";

const SEED = 20261129;

describe("500 random schemas", () => {
  let matcher: Matcher;
  beforeAll(async () => {
    matcher = await makeMatcher();
  });

  test.for(Array.from({ length: 20 }, (_, part) => part))("part %i", (part) => walkSchemas(matcher, 25, SEED + part));
});
