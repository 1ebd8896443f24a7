// npm run bench -- --checkpoint NAME: a whole checkpoint, from its download to one answer. The code is in
// bench/checkpoint/, in TypeScript, and runs through Vite as the tests do.
import { ensureLibrary } from "./library.mjs";
import { importTypeScript } from "./typescript.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  /** @type {typeof import("../bench/checkpoint/main.ts")} */
  const { main } = await importTypeScript("bench/checkpoint/main.ts");
  return main(args, ensureLibrary);
}
