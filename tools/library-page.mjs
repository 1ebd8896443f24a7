// What a headless Chromium needs to import the built library from a page of this machine: addresses for serve.mjs, with
// the library's own imports where a bundler or a CDN would put them. Builds nothing.
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { libraryFolder, readPackage } from "./library.mjs";

/** Where the library's entry is served. */
export const LIBRARY_ADDRESS = "/lib/index.js";

/**
 * An empty page at "/", the library, and the packages that it imports.
 * @returns {Record<string, import("./serve.mjs").Served>}
 */
export function libraryPaths() {
  /** @type {Record<string, import("./serve.mjs").Served>} */
  const paths = { "/lib/": { folder: libraryFolder } };
  /** @type {Record<string, string>} */
  const imports = {};
  for (const name of Object.keys(readPackage().dependencies)) {
    const file = fileURLToPath(import.meta.resolve(name));
    imports[name] = `/modules/${name}/${basename(file)}`;
    paths[`/modules/${name}/`] = { folder: dirname(file) };
  }
  const page = `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>`;
  paths["/"] = { text: page, type: "text/html; charset=utf-8" };
  return paths;
}
