/** Answers of random schemas: the first hundred; all of them: schemas.long-node.test.ts. */
import { beforeAll, describe, test } from "vitest";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { makeMatcher } from "../support/grammar-walk.ts";
import { walkSchemas } from "../support/schema-walks.ts";

const SEED = 20261129;

describe("100 random schemas", () => {
  let matcher: Matcher;
  beforeAll(async () => {
    matcher = await makeMatcher();
  });

  test.for(Array.from({ length: 4 }, (_, part) => part))("part %i", (part) => walkSchemas(matcher, 25, SEED + part));
});
