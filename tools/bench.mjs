// npm run bench: measures, in headless Chromium or in Node, prints tables and keeps the numbers in bench/results/. What it does is
// in bench/, in TypeScript, which is run through Vite as the tests are.
import { elementSize, ensureSite } from "./build.mjs";
import { ensureLibrary, root } from "./library.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  if (args.some((arg) => arg.startsWith("--checkpoint"))) return (await import("./bench-checkpoint.mjs")).run(args);
  const { runnerImport } = await import("vite");
  /** @type {{ module: typeof import("../bench/main.ts") }} */
  const { module } = await runnerImport(`${root}bench/main.ts`, { root, configFile: false, logLevel: "error" });
  // From here, for what builds imports Vite when it is needed, and within Vite there is no importing once it has run.
  return module.main(args, { importModule: (address) => import(address), ensureSite, ensureLibrary, elementSize });
}
