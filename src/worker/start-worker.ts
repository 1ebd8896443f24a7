/** Starts the worker's script, wherever this module was loaded from. */

/** Beside the built library. In a constant, so that no bundler takes its use for a second script: see `startWorker`. */
const SCRIPT = "./fovea-worker.js";

/**
 * A new worker, which may still fail to start. Throws what the browser throws if it may not even try.
 *
 * Bundlers and Vite's server find the script by the expression below and replace the address by their own, so it stands
 * there word for word. A worker's script must be of the page's origin; for a library that a page imports straight from a
 * content network, a script of the page's own imports it.
 */
export function startWorker(): Worker {
  const here = new URL(import.meta.url);
  // Some bundlers have file addresses here.
  const isElsewhere = /^https?:$/.test(here.protocol) && here.origin !== globalThis.location?.origin;
  if (!isElsewhere) return new Worker(new URL("./fovea-worker.ts", import.meta.url), { type: "module" });
  const importing = `import ${JSON.stringify(new URL(SCRIPT, here).href)};`;
  const script = URL.createObjectURL(new Blob([importing], { type: "text/javascript" }));
  const worker = new Worker(script, { type: "module" });
  const free = () => URL.revokeObjectURL(script);
  worker.addEventListener("message", free, { once: true });
  worker.addEventListener("error", free, { once: true });
  return worker;
}
