/** test/golden, against what it is a part of. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
import { projectRoot } from "../support/command.ts";
import { needing, testShared } from "../support/shared.ts";

testShared(needing("golden", "test/golden is what tools/goldens.mjs makes of ../shared/golden"), async () => {
  const check = promisify(execFile)(process.execPath, [`${projectRoot}/tools/goldens.mjs`, "--check"]);
  await expect(check).resolves.toMatchObject({
    stdout: expect.stringMatching(/^test\/golden: \d+ files, [\d.]+ MB\n$/),
  });
});
