// npm run bench -- --checkpoint NAME: a whole checkpoint, from its download to one answer. What it does is in
// bench/checkpoint/, in TypeScript, which is run through Vite as the tests are.
import { ensureLibrary, root } from "./library.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  const { runnerImport } = await import("vite");
  /** @type {{ module: typeof import("../bench/checkpoint/main.ts") }} */
  const { module } = await runnerImport(`${root}bench/checkpoint/main.ts`, {
    root,
    configFile: false,
    logLevel: "error",
  });
  return module.main(args, ensureLibrary);
}
