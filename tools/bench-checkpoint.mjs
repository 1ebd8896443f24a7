// npm run bench -- --checkpoint NAME: a whole checkpoint, from its download to one answer. The code is in
// bench/checkpoint/, in TypeScript, and runs through Vite as the tests do.
import { HELP, parseCheckpointRun } from "../bench/checkpoint/options.mjs";
import { asksForHelp, printHelp } from "./command-line.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const options = parseCheckpointRun(args);
  const { ensureLibrary } = await import("./library.mjs");
  const { importTypeScript } = await import("./typescript.mjs");
  /** @type {typeof import("../bench/checkpoint/main.ts")} */
  const { main } = await importTypeScript("bench/checkpoint/main.ts");
  return main(options, args, ensureLibrary);
}
