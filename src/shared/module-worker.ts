/** Starts workers whose script lies beside a built module, wherever that comes from. */

/** True if a module comes from another origin than the page. Some bundlers put file addresses in its place. */
export function isFromElsewhere(module: URL): boolean {
  return /^https?:$/.test(module.protocol) && module.origin !== globalThis.location?.origin;
}

/** A worker must have a script of the page's origin: a small one that imports the real one. */
export function importingWorker(script: URL): Worker {
  const importing = `import ${JSON.stringify(script.href)};`;
  const address = URL.createObjectURL(new Blob([importing], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  const free = () => URL.revokeObjectURL(address);
  worker.addEventListener("message", free, { once: true });
  worker.addEventListener("error", free, { once: true });
  return worker;
}
