// npm run bench: measures, in headless Chromium or in Node, prints tables and keeps the numbers in bench/results/. What it does is
// in bench/, in TypeScript, which is run through Vite as the tests are.
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
