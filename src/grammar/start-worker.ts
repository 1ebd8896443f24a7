/** Starts the grammar worker's script, from the page's origin or another one. */
import { importingWorker, isFromElsewhere } from "../shared/module-worker.ts";

/** The script beside the built library. In a constant, so that no bundler takes it for a second script. */
const SCRIPT = "./fovea-grammar.js";

/**
 * A new worker, which may still fail to start. Bundlers and Vite's server find the script by the exact expression below
 * and replace the address; see worker/start-worker.ts.
 */
export function startGrammarWorker(): Worker {
  const here = new URL(import.meta.url);
  if (!isFromElsewhere(here)) return new Worker(new URL("./grammar-worker.ts", import.meta.url), { type: "module" });
  return importingWorker(new URL(SCRIPT, here));
}
