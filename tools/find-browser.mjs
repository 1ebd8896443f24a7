// Finds a browser on this machine, and installs Debian's packages if possible.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first of these programs in the folders of PATH, or else the first of the fixed paths that exists.
 * @param {string[]} names
 * @param {string[]} fixed
 */
export function onPath(names, fixed) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) if (isExecutable(join(folder, name))) return join(folder, name);
  }
  return fixed.find(isExecutable);
}

/** Installs packages on Debian as root; elsewhere nothing happens. @param {string[]} packages */
export function installFromDebian(packages) {
  if (!existsSync("/etc/debian_version") || process.getuid?.() !== 0) return;
  process.stderr.write(`Installing ${packages.join(" and ")} from Debian's packages ...\n`);
  spawnSync("apt-get", ["update", "-qq"], { stdio: ["ignore", 2, 2] });
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { stdio: ["ignore", 2, 2] });
}
