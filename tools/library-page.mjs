// Addresses for serve.mjs, so that a local page in headless Chromium can import the built library and its packages. Builds
// nothing.
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { MODEL_PACKAGE } from "./demo-model.mjs";
import { libraryFolder, modelPackageFolder, readPackage } from "./library.mjs";

/** Address of the library's entry. */
export const LIBRARY_ADDRESS = "/lib/index.js";

/** Packages whose modules need a bundler, because some are for Node -> a single file for browsers, beside their entry. */
const BUNDLES = /** @type {Record<string, string>} */ ({ mediabunny: "../../bundles/mediabunny.min.mjs" });

/**
 * An empty page at "/", the library, and the packages that it imports.
 * @returns {Record<string, import("./serve.mjs").Served>}
 */
export function libraryPaths() {
  /** @type {Record<string, import("./serve.mjs").Served>} */
  const paths = { "/lib/": { folder: libraryFolder }, [`/${MODEL_PACKAGE}/`]: { folder: modelPackageFolder } };
  /** @type {Record<string, string>} */
  const imports = {};
  for (const name of Object.keys(readPackage().dependencies)) {
    const file = fileURLToPath(new URL(BUNDLES[name] ?? "", import.meta.resolve(name)));
    imports[name] = `/modules/${name}/${basename(file)}`;
    paths[`/modules/${name}/`] = { folder: dirname(file) };
  }
  const page = `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>`;
  paths["/"] = { text: page, type: "text/html; charset=utf-8" };
  return paths;
}
