/** Starts the worker's script, from the page's origin or another one. */
import { importingWorker, isFromElsewhere } from "../shared/module-worker.ts";

/** The script beside the built library. In a constant, so that no bundler takes it for a second script. */
const SCRIPT = "./fovea-worker.js";

/**
 * A new worker, which may still fail to start. Throws the browser's error if a worker is not allowed.
 *
 * Bundlers and Vite's server find the script by the exact expression below and replace the address. If the
 * library comes from another origin than the page, a small script of the page's origin imports the worker's.
 */
export function startWorker(): Worker {
  const here = new URL(import.meta.url);
  if (!isFromElsewhere(here)) return new Worker(new URL("./fovea-worker.ts", import.meta.url), { type: "module" });
  return importingWorker(new URL(SCRIPT, here));
}
