// Runs the project's TypeScript through Vite, as the tests do.
import { root } from "./library.mjs";

/** @type {Promise<import("vite").RunnableDevEnvironment> | undefined} */
let opened;

/**
 * Imports a module. Code of it may import more, later. Vite's own `runnerImport` is rejected: it closes after the first
 * module, so the families and formats that load when a model needs them could not be imported.
 * @template T
 * @param {string} path in the project
 * @returns {Promise<T>} the module
 */
export async function importTypeScript(path) {
  opened ??= open();
  return /** @type {T} */ (await (await opened).runner.import(`${root}${path}`));
}

/** It holds nothing that keeps the process alive. */
async function open() {
  const { createRunnableDevEnvironment, resolveConfig } = await import("vite");
  const resolve = { external: /** @type {true} */ (true), mainFields: [], conditions: ["node"] };
  const environment = { consumer: /** @type {"server"} */ ("server"), dev: { moduleRunnerTransform: true }, resolve };
  const options = { root, logLevel: /** @type {const} */ ("error"), environments: { inline: environment } };
  const config = await resolveConfig(
    // What runs in this folder is never cached: `runnerImport` names no folder of its own either.
    { ...options, configFile: false, envDir: false, cacheDir: process.cwd(), server: { watch: null } },
    "serve",
  );
  const runnable = createRunnableDevEnvironment("inline", config, {
    runnerOptions: { hmr: { logger: false } },
    hot: false,
  });
  await runnable.init();
  return runnable;
}
