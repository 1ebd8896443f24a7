// npm run eval: evaluates a model in headless Chromium. The code is in eval/, in TypeScript, and runs through Vite as the
// tests do.
import { ensureLibrary } from "./library.mjs";
import { importTypeScript } from "./typescript.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  /** @type {typeof import("../eval/main.ts")} */
  const { main } = await importTypeScript("eval/main.ts");
  return main(args, ensureLibrary);
}
