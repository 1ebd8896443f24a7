// Runs the project's TypeScript through Vite, as the tests do.
import { root } from "./library.mjs";

/** @type {Promise<import("vite").RunnableDevEnvironment> | undefined} */
let opened;

/**
 * Imports a module, which may import more later. Rejected: Vite's own `runnerImport`, which closes after the first
 * module, so that families and formats could not be loaded on demand.
 * @template T
 * @param {string} path in the project
 * @returns {Promise<T>} the module
 */
export async function importTypeScript(path) {
  opened ??= open();
  return /** @type {T} */ (await (await opened).runner.import(`${root}${path}`));
}

/** Opens an environment that does not keep the process alive. */
async function open() {
  const { createRunnableDevEnvironment, resolveConfig } = await import("vite");
  const resolve = { external: /** @type {true} */ (true), mainFields: [], conditions: ["node"] };
  const environment = { consumer: /** @type {"server"} */ ("server"), dev: { moduleRunnerTransform: true }, resolve };
  const options = { root, logLevel: /** @type {const} */ ("error"), environments: { inline: environment } };
  const config = await resolveConfig(
    // Nothing is cached in this folder; `runnerImport` does the same.
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
