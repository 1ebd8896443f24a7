// The start of every npm script: installs the dependencies if needed, then runs the command's file. It imports only Node's
// modules, because it runs on a bare clone.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { asksForHelp } from "./command-line.mjs";

const COMMANDS = [
  "start",
  "test",
  "bundlers",
  "real",
  "server",
  "ask",
  "build",
  "docs",
  "bench",
  "eval",
  "sweep",
  "fuzz",
  "pack",
];
const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} path from the project's root */
function modified(path) {
  return statSync(`${root}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Installs the packages of package-lock.json, unless they are up to date. Throws if the installation fails. */
function installDependencies() {
  // npm writes this file last, so an interrupted installation is repeated.
  if (modified("node_modules/.package-lock.json") >= modified("package-lock.json")) return;
  if (process.stderr.isTTY) process.stderr.write("Installing dependencies (npm ci) ...\n");
  // No install scripts: no dependency needs one, and some would download programs.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const options = /** @type {const} */ ({ cwd: root, encoding: "utf8" });
  const { status, stderr, error } = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
  if (status === 0) return;
  const said = stderr.split("\n").map((line) => line.replace(/^npm err\S*\s*/i, ""));
  const reason = error?.message ?? said.find((line) => line && !/^(npm|code|errno|syscall) /.test(line)) ?? status;
  throw new Error(`npm ci could not install the dependencies: ${reason}`);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node ${process.versions.node} is too old; install 20.19 or newer`);
}

const [name = "", ...args] = process.argv.slice(2);
try {
  if (!COMMANDS.includes(name)) throw new Error(`unknown command; commands: ${COMMANDS.join(", ")}`);
  checkNode();
  // Help needs no packages.
  if (!asksForHelp(args)) installDependencies();
  /** @type {{ run: (args: string[]) => Promise<number> }} */
  const command = await import(`./${name}.mjs`);
  process.exitCode = await command.run(args);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${name}: ${message.trim()}\n`);
  if (process.env.FOVEA_DEBUG) console.error(error);
  process.exitCode = 1;
}
