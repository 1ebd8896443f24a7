/** Starts the worker's script, from the page's origin or another one. */
import { FoveaError } from "../errors.ts";
import { importingWorker, isFromElsewhere } from "../shared/module-worker.ts";

/** The script beside the built library. In a constant, so that no bundler takes it for a second script. */
const SCRIPT = "./fovea-worker.js";

/**
 * A new worker, which may still fail to start. Throws the browser's error if a worker is not allowed.
 *
 * Bundlers and Vite's server find the script by the exact expression below and replace the address. If the
 * library comes from another origin than the page, a small script of the page's origin imports the worker's.
 */
function startWorker(): Worker {
  const here = new URL(import.meta.url);
  if (!isFromElsewhere(here)) return new Worker(new URL("./fovea-worker.ts", import.meta.url), { type: "module" });
  return importingWorker(new URL(SCRIPT, here));
}

/** The same; throws FoveaError `download-failed` if a worker is not allowed. */
export function startEngineWorker(): Worker {
  try {
    return startWorker();
  } catch (cause) {
    throw new FoveaError(
      "download-failed",
      `the engine's worker may not start here (${String(cause)}); use Fovea.load to run in this thread`,
      { cause },
    );
  }
}
