// npm run eval: the evaluation of a model, in headless Chromium. What it does is in eval/, in TypeScript, which is run
// through Vite as the tests are.
import { ensureLibrary, root } from "./library.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  const { runnerImport } = await import("vite");
  /** @type {{ module: typeof import("../eval/main.ts") }} */
  const { module } = await runnerImport(`${root}eval/main.ts`, { root, configFile: false, logLevel: "error" });
  return module.main(args, ensureLibrary);
}
