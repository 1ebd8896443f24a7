// Finds the Chromium for tests and `npm run ask`, and defines the flags that enable WebGPU.
// Order: CHROME_PATH, the system's browsers, and on Debian as root an install of the `chromium` package.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const FIXED = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

const HOW_TO = "No Chromium found; set CHROME_PATH, or install one (Debian: apt-get install chromium).";

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const name of NAMES) {
    for (const folder of folders) if (isExecutable(join(folder, name))) return join(folder, name);
  }
  return FIXED.find(isExecutable);
}

/** Path of a Chromium; installs Debian's where that is possible. Throws one line saying how to get one. */
export function findChromium() {
  const chosen = process.env.CHROME_PATH;
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`CHROME_PATH is ${chosen}, which cannot be executed.`);
    return chosen;
  }
  const found = onPath();
  if (found) return found;
  if (existsSync("/etc/debian_version") && process.getuid?.() === 0) {
    process.stderr.write("Installing Chromium from Debian's packages ...\n");
    spawnSync("apt-get", ["update", "-qq"], { stdio: ["ignore", 2, 2] });
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { stdio: ["ignore", 2, 2] });
    const installed = onPath();
    if (installed) return installed;
  }
  throw new Error(HOW_TO);
}

const useGpu = process.env.FOVEA_GPU === "1";

/** Browsers to run in parallel: a page on the software adapter uses little more than one core. */
export const BROWSERS_AT_ONCE = useGpu ? 1 : Math.min(4, availableParallelism());

/** WebGPU's name of the adapter that the flags select; "" for the machine's GPU. */
export const ADAPTER = useGpu ? "" : "swiftshader";

/**
 * Flags for a headless Chromium with WebGPU. Without FOVEA_GPU=1 they select the software adapter, so that results are the
 * same on every machine.
 */
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  ...(useGpu ? ["--enable-features=Vulkan"] : ["--use-webgpu-adapter=swiftshader"]),
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
