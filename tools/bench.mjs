// npm run bench: measures in headless Chromium or in Node, prints tables, and stores the numbers in bench/results/. The code
// is in bench/, in TypeScript, and runs through Vite as the tests do.
import { elementSize, ensureSite } from "./build.mjs";
import { ensureLibrary } from "./library.mjs";
import { importTypeScript } from "./typescript.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  if (args.some((arg) => arg.startsWith("--checkpoint"))) return (await import("./bench-checkpoint.mjs")).run(args);
  /** @type {typeof import("../bench/main.ts")} */
  const { main } = await importTypeScript("bench/main.ts");
  return main(args, { importModule: (address) => import(address), ensureSite, ensureLibrary, elementSize });
}
