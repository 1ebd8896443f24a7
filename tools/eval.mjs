// npm run eval: the evaluation of a model, in headless Chromium. What it does is in eval/, in TypeScript, which is run
// through Vite as the tests are.
import { ensureLibrary } from "./library.mjs";
import { importTypeScript } from "./typescript.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  /** @type {typeof import("../eval/main.ts")} */
  const { main } = await importTypeScript("eval/main.ts");
  return main(args, ensureLibrary);
}
