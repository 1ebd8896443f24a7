// Finds the Chromium for tests and `npm run ask`, and defines the flags that enable WebGPU.
// Order: CHROME_PATH, the system's browsers, and on Debian as root an install of the `chromium` package.
import { availableParallelism } from "node:os";
import { installFromDebian, isExecutable, onPath } from "./find-browser.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const FIXED = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

const HOW_TO = "No Chromium found; set CHROME_PATH, or install one (Debian: apt-get install chromium).";

/** Path of a Chromium; installs Debian's if possible. Throws one line saying how to get one. */
export function findChromium() {
  const chosen = process.env.CHROME_PATH;
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`CHROME_PATH is ${chosen}, which cannot be executed.`);
    return chosen;
  }
  const found = onPath(NAMES, FIXED);
  if (found) return found;
  installFromDebian(["chromium"]);
  const installed = onPath(NAMES, FIXED);
  if (installed) return installed;
  throw new Error(HOW_TO);
}

const useGpu = process.env.FOVEA_GPU === "1";

/** Browsers to run in parallel: a page on the software adapter uses little more than one core. */
export const BROWSERS_AT_ONCE = useGpu ? 1 : Math.min(4, availableParallelism());

/** The device that the flags select, as far as known. @type {import("../test/support/device.ts").ExpectedDevice} */
export const CHROMIUM_DEVICE = useGpu
  ? { browser: "chromium", adapter: "", subgroups: true, immediates: true }
  : { browser: "chromium", adapter: "swiftshader", subgroups: true, immediates: true, software: true, f16: false };

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
