// npm run bench: measures in a headless browser or in Node, prints tables, and stores the numbers in bench/results/. The code
// is in bench/, in TypeScript, and runs through Vite as the tests do.
import { HELP, parseBenchOptions } from "../bench/options.mjs";
import { printHelp } from "./command-line.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  if (args.some((arg) => arg.startsWith("--checkpoint"))) return (await import("./bench-checkpoint.mjs")).run(args);
  if (args.includes("--real")) return (await import("./bench-real.mjs")).run(args);
  const options = parseBenchOptions(args);
  if (options === "help") return printHelp(HELP);
  const { ensureSite, pageSizes } = await import("./build.mjs");
  const { launchFirefox } = await import("./firefox.mjs");
  const { ensureLibrary } = await import("./library.mjs");
  const { importTypeScript } = await import("./typescript.mjs");
  /** @type {typeof import("../bench/main.ts")} */
  const { main } = await importTypeScript("bench/main.ts");
  const importModule = (/** @type {string} */ address) => import(address);
  return main(options, args, { importModule, launchFirefox, ensureSite, ensureLibrary, pageSizes });
}
