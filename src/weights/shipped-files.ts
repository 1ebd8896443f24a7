/**
 * Where the files of the models that ship lie, if nobody says so. The library's build replaces this module by one with an
 * expression for each file, because bundlers find and copy files by such expressions (tools/library.mjs).
 */

/** Address of a file, named from the folder of models, such as "fovea-demo/config.json". */
export function shippedFile(path: string): URL {
  return below(import.meta.url, path);
}

/** @param here address of this module. In one expression with a path, a bundler would look for a file to pack */
function below(here: string, path: string): URL {
  return new URL(`${import.meta.env.VITE_MODELS_PATH}${path}`, here);
}
