/** WebGPU in Node: Dawn, as a package that is installed on demand. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { findChromium } from "../tools/chromium.mjs";
import { ensurePackages } from "./peers/install.ts";

/** The driver file of Chromium's software GPU: beside its program, or in Debian's folder. */
const SOFTWARE_DRIVER = "vk_swiftshader_icd.json";

/** Node's own `import`, which a closed Vite runner lacks. */
export type ImportModule = (address: string) => Promise<unknown>;

interface DawnModule {
  create(flags: string[]): GPU;
  globals: object;
}

/** Provides WebGPU as in a browser. */
export async function provideDawn(importModule: ImportModule): Promise<void> {
  useSoftwareDriver();
  const modules = ensurePackages("dawn");
  const { create, globals } = (await importModule(pathToFileURL(`${modules}/webgpu/index.js`).href)) as DawnModule;
  Object.assign(globalThis, globals);
  const value = { gpu: create([]), hardwareConcurrency: 4 };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
}

/** Chooses Chromium's software adapter, if there is one, unless FOVEA_GPU=1 is set or the environment names another. */
export function useSoftwareDriver(): void {
  if (process.env.FOVEA_GPU === "1" || process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return;
  const folders = ["/usr/lib/chromium", dirname(findChromium())];
  const file = folders.map((folder) => join(folder, SOFTWARE_DRIVER)).find((path) => existsSync(path));
  if (file) Object.assign(process.env, { VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file });
}
