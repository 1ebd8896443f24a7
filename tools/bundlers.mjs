// npm run test:bundlers: builds the README's program with webpack and with Next.js, and runs the results in headless
// Chromium. Not part of `npm test`: it needs the network once, 500 MB of disk, and minutes.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { asksForHelp, printHelp } from "./command-line.mjs";

/** The installed packages, besides the library and its dependencies. */
const PACKAGES = { next: "16.4.6", react: "19.3.1", "react-dom": "19.3.1", webpack: "5.113.0" };

const HELP = `Builds the README's program with webpack ${PACKAGES.webpack} and Next.js ${PACKAGES.next}, and runs it in headless Chromium.

  npm run test:bundlers

Installs both once, without install scripts, in a cache outside the repository.
`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  if (args.length > 0) throw new Error(`unexpected ${args[0]}; this command has no options`);
  const folder = installBundlers();
  const [{ findChromium }, { root }] = await Promise.all([import("./chromium.mjs"), import("./library.mjs")]);
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "bundlers"];
  const env = { ...process.env, CHROME_PATH: findChromium(), FOVEA_BUNDLERS: folder };
  return spawnSync(process.execPath, vitest, { cwd: root, env, stdio: "inherit" }).status ?? 1;
}

/** Installs the bundlers, unless they are there. Returns the folder. */
function installBundlers() {
  const manifest = JSON.stringify({ name: "bundlers", private: true, type: "module", dependencies: PACKAGES });
  const version = createHash("sha256").update(manifest).digest("hex").slice(0, 12);
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fovea-bundlers", version);
  // npm writes this file last.
  if (existsSync(join(folder, "node_modules/.package-lock.json"))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), manifest);
  const start = performance.now();
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr, error } = spawnSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`npm could not install webpack and Next.js: ${error?.message ?? stderr.trim()}`);
  console.log(`installed webpack and Next.js in ${((performance.now() - start) / 1000).toFixed(0)} s: ${folder}`);
  return folder;
}
