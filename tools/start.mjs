// npm start: builds the demo page if its sources changed, serves it, and prints its address.
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
  const { serve } = await import("./serve.mjs");
  await ensureSite();
  const { origin, close } = await serve({ "/": { folder: siteFolder } }, { ports: PORTS });
  console.log(`Fovea: ${origin}/ (Ctrl-C stops it)`);
  await new Promise((resolve) => {
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, resolve);
  });
  close();
  return 0;
}
