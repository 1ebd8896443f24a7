// npm start: builds the demo page if its sources changed, serves it, and prints its address.
import { ensureSite, siteFolder } from "./build.mjs";
import { serve } from "./serve.mjs";

/** The same port each time, so that the browser finds its stored files again; any free port if it is taken. */
const PORTS = [5417, 0];

/** @param {string[]} args */
export async function run(args) {
  if (args.length > 0) throw new Error(`unexpected ${args[0]}; this command has no options`);
  await ensureSite();
  const { origin, close } = await serve({ "/": { folder: siteFolder } }, { ports: PORTS });
  console.log(`Fovea: ${origin}/ (Ctrl-C stops it)`);
  await new Promise((resolve) => {
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, resolve);
  });
  close();
  return 0;
}
