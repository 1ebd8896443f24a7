/**
 * The package with the demo model's files. The library's build replaces this module by one that imports the package
 * "fovea-demo-model", or else looks for it beside the library's own package (tools/library.mjs).
 */

/** Path of a file, such as "fovea-demo/config.json" -> its absolute address. */
export type ShippedFiles = Readonly<Record<string, string>>;

/** The files that the package names; undefined if it is not installed. */
export async function importShipped(): Promise<ShippedFiles | undefined> {
  return undefined;
}

/** Address of a file that no package names. */
export function besideLibrary(path: string): string {
  return below(import.meta.url, path);
}

/** @param here address of this module. In one expression with a path, a bundler would look for a file to pack */
function below(here: string, path: string): string {
  return new URL(`${import.meta.env.VITE_MODELS_PATH}${path}`, here).href;
}
