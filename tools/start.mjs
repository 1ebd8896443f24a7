// npm start: builds the demo page if its sources changed, serves it, and prints its address.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asksForHelp, printHelp } from "./command-line.mjs";

/** The same port each time, so that the browser finds its stored files again; any free port if it is taken. */
const PORTS = [5417, 0];

const HELP = `Builds the demo page if its sources changed, serves it, and prints its address. Ctrl-C stops it.

  npm start
`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  if (args.length > 0) throw new Error(`unexpected ${args[0]}; this command has no options`);
  const { ensureSite, siteFolder } = await import("./build.mjs");
  const { parseHeaders, serve } = await import("./serve.mjs");
  await ensureSite();
  const headers = parseHeaders(readFileSync(join(siteFolder, "_headers"), "utf8"));
  const { origin, close } = await serve({ "/": { folder: siteFolder } }, { ports: PORTS, headers });
  console.log(`Fovea: ${origin}/ (Ctrl-C stops it)`);
  await new Promise((resolve) => {
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, resolve);
  });
  close();
  return 0;
}
