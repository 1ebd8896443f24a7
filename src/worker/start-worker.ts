/** Starts the worker's script, from the page's origin or another one. */

/** The script beside the built library. In a constant, so that no bundler takes it for a second script. */
const SCRIPT = "./fovea-worker.js";

/**
 * A new worker, which may still fail to start. Throws the browser's error if a worker is not allowed.
 *
 * Bundlers and Vite's server find the script by the exact expression below and replace the address. A worker's script must
 * have the page's origin; if the library comes from another one, a small script of the page's origin imports it.
 */
export function startWorker(): Worker {
  const here = new URL(import.meta.url);
  // Some bundlers put file addresses here.
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
