// Runs the project's TypeScript from its commands through Vite, as the tests do. Within what runs so there is no importing
// once it has run: what builds or imports later is handed in.
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
