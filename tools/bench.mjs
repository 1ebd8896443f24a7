// npm run bench: measures in headless Chromium and prints a table; the numbers are also kept in bench/results/.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string[]} args more arguments for Vitest, such as a file's name @returns {Promise<number>} the exit code */
export async function run(args) {
  const vitest = `${root}/node_modules/vitest/vitest.mjs`;
  const { status } = spawnSync(
    process.execPath,
    [vitest, "run", "--project", "bench", "--disable-console-intercept", ...args],
    {
      cwd: root,
      stdio: "inherit",
    },
  );
  return status ?? 1;
}
