// Finds the Firefox for tests and benchmarks, and starts it with WebGPU. Order: FIREFOX_PATH, the system's browsers, and on
// Debian as root an install of the packages `firefox-esr` and `mesa-vulkan-drivers`.
import { existsSync } from "node:fs";
import { installFromDebian, isExecutable, onPath } from "./find-browser.mjs";

const NAMES = ["firefox-esr", "firefox"];
const FIXED = ["/Applications/Firefox.app/Contents/MacOS/firefox"];

const HOW_TO =
  "No Firefox found; set FIREFOX_PATH, or install one (Debian: apt-get install firefox-esr mesa-vulkan-drivers).";

/** Mesa's Vulkan on the CPU, which gives Firefox WebGPU without a GPU. */
const SOFTWARE_DRIVER = `/usr/share/vulkan/icd.d/lvp_icd.${process.arch === "arm64" ? "aarch64" : "x86_64"}.json`;
const NO_DRIVER = `${SOFTWARE_DRIVER} is missing, so that Firefox has no WebGPU; Debian: apt-get install mesa-vulkan-drivers`;

const useGpu = process.env.FOVEA_GPU === "1";
const needsDriver = !useGpu && process.platform === "linux";

/** The resulting device, as far as known. @type {import("../test/support/device.ts").ExpectedDevice} */
export const FIREFOX_DEVICE = needsDriver
  ? { browser: "firefox", adapter: "", subgroups: false, immediates: false, software: true, f16: true }
  : { browser: "firefox", adapter: "", subgroups: false, immediates: false };

/** Path of a Firefox; installs Debian's if possible. Throws one line saying how to get one. */
function findFirefox() {
  const chosen = process.env.FIREFOX_PATH;
  if (chosen && !isExecutable(chosen)) throw new Error(`FIREFOX_PATH is ${chosen}, which cannot be executed.`);
  const find = () => chosen || onPath(NAMES, FIXED);
  const missing = [
    ...(find() ? [] : ["firefox-esr"]),
    ...(needsDriver && !existsSync(SOFTWARE_DRIVER) ? ["mesa-vulkan-drivers"] : []),
  ];
  if (missing.length > 0) installFromDebian(missing);
  const found = find();
  if (!found) throw new Error(HOW_TO);
  if (needsDriver && !existsSync(SOFTWARE_DRIVER)) throw new Error(NO_DRIVER);
  return found;
}

/** The path of a Firefox, or why there is none. @returns {{ path?: string, missing?: string }} */
export function lookForFirefox() {
  try {
    return { path: findFirefox() };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Starts a headless Firefox with WebGPU, in workers too. Without FOVEA_GPU=1 it uses Mesa's software adapter, so that
 * results are the same on every machine. The caller closes it.
 * @param {{ executablePath?: string, preferences?: Record<string, unknown>, userDataDir?: string }} [options] `userDataDir`
 *   is a profile that outlives the browser
 */
export async function launchFirefox({ executablePath = findFirefox(), preferences = {}, userDataDir } = {}) {
  // Loaded on demand: a build, which reads the tests' configuration, does not need it.
  const { launch } = await import("puppeteer-core");
  return launch({
    browser: "firefox",
    executablePath,
    headless: true,
    ...(userDataDir && { userDataDir }),
    env: { ...process.env, ...(needsDriver && { VK_ICD_FILENAMES: SOFTWARE_DRIVER }) },
    extraPrefsFirefox: {
      "dom.webgpu.enabled": true,
      "dom.webgpu.workers.enabled": true,
      "gfx.webgpu.ignore-blocklist": true,
      ...preferences,
    },
    // No limit: a benchmark's part is one call, which takes a quarter of an hour on the software adapter.
    protocolTimeout: 0,
  });
}
