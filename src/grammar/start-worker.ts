/** Starts the grammar worker's script, from the page's origin or another one. */

/** The script beside the built library. In a constant, so that no bundler takes it for a second script. */
const SCRIPT = "./fovea-grammar.js";

/**
 * A new worker, which may still fail to start. Bundlers and Vite's server find the script by the exact expression below and
 * replace the address; see worker/start-worker.ts.
 */
export function startGrammarWorker(): Worker {
  const here = new URL(import.meta.url);
  const isElsewhere = /^https?:$/.test(here.protocol) && here.origin !== globalThis.location?.origin;
  if (!isElsewhere) return new Worker(new URL("./grammar-worker.ts", import.meta.url), { type: "module" });
  const importing = `import ${JSON.stringify(new URL(SCRIPT, here).href)};`;
  const script = URL.createObjectURL(new Blob([importing], { type: "text/javascript" }));
  const worker = new Worker(script, { type: "module" });
  const free = () => URL.revokeObjectURL(script);
  worker.addEventListener("message", free, { once: true });
  worker.addEventListener("error", free, { once: true });
  return worker;
}
