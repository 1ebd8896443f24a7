import { expect, test } from "vitest";
import { Fovea } from "../../../../src/engine/fovea.ts";
import { FoveaError } from "../../../../src/errors.ts";
import { describeShared, needing, sharedBytes } from "../../../support/shared.ts";

// What else is hostile is refused before a GPU is needed, in hostile.test.ts.
describeShared(needing("golden/formats/hostile", "hostile values"), () => {
  test("a scale that is not finite is refused by its tensor", async () => {
    const bytes = await sharedBytes("golden/formats/hostile/gguf-scale-not-finite/tiny.gguf");
    const error = await Fovea.load({ "tiny.gguf": bytes }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(FoveaError);
    expect((error as FoveaError).code).toBe("bad-weights");
    expect((error as FoveaError).message).toMatch(/NaN or infinite: "blk\.0\.attn_q\.weight" in tiny\.gguf, Q8_0/);
  });
});
