/** What an error with a code says, for `toMatchObject`: a bare pattern there would match every message. */
import { expect } from "vitest";
import type { FoveaErrorCode } from "../../src/errors.ts";

export function refused(code: FoveaErrorCode, says: RegExp): object {
  return { code, message: expect.stringMatching(says) };
}
