/**
 * Packages for the benchmark and optional tests, installed on demand: together they are 400 MB, which the usual tests
 * and the build do not need. Exact versions, by lock files of their own. Node only.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Folders of bench/ with a package-lock.json. */
export type PackageFolder = "peers" | "dawn" | "wgpu" | "wllama";

/** The folder's node_modules, with the packages of its lock file. Throws an Error if the installation fails. */
export function ensurePackages(name: PackageFolder): string {
  const folder = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const modified = (file: string) => statSync(`${folder}/${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // npm writes this file last, so an interrupted installation is repeated.
  if (modified("node_modules/.package-lock.json") < modified("package-lock.json")) {
    process.stderr.write(`Installing the packages of bench/${name}/package-lock.json ...\n`);
    const args = ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const npm = process.env.npm_execpath;
    // Under `npm run`, npm's variables name the project's own root, whose packages would be removed instead.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key)));
    const options = { cwd: folder, env, encoding: "utf8" } as const;
    const { status, stderr } = npm
      ? spawnSync(process.execPath, [npm, ...args], options)
      : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
    if (status !== 0) throw new Error(`npm ci in bench/${name} failed: ${stderr?.trim().split("\n").at(-1)}`);
  }
  return `${folder}/node_modules`;
}
