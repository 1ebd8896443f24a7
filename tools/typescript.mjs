// Runs the project's TypeScript through Vite, as the tests do. Such code cannot import after it has run, so its callers pass
// in functions that build or import later.
import { root } from "./library.mjs";

/**
 * @template T
 * @param {string} path in the project
 * @returns {Promise<T>} the module
 */
export async function importTypeScript(path) {
  const { runnerImport } = await import("vite");
  const { module } = await runnerImport(`${root}${path}`, { root, configFile: false, logLevel: "error" });
  return /** @type {T} */ (module);
}
