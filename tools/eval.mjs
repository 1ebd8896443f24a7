// npm run eval: evaluates a model in headless Chromium. The code is in eval/, in TypeScript, and runs through Vite as the
// tests do.
import { HELP, parseEvalOptions } from "../eval/options.mjs";
import { printHelp } from "./command-line.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  const options = parseEvalOptions(args);
  if (options === "help") return printHelp(HELP);
  const { ensureLibrary } = await import("./library.mjs");
  const { importTypeScript } = await import("./typescript.mjs");
  const { benchmark } = options;
  if (benchmark) {
    /** @type {typeof import("../eval/benchmark-main.ts")} */
    const { benchmarkMain } = await importTypeScript("eval/benchmark-main.ts");
    return benchmarkMain({ ...options, benchmark }, args, ensureLibrary);
  }
  /** @type {typeof import("../eval/main.ts")} */
  const { main } = await importTypeScript("eval/main.ts");
  return main(options, args, ensureLibrary);
}
