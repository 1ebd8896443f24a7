/** Addresses of the demo model's files, in the page and in its worker. */
import { besideLibrary, importShipped, type ShippedFiles } from "./shipped-package.ts";
import { absoluteAddress } from "./source.ts";

let known: ShippedFiles | undefined;

/** The files that the package of the demo model names; undefined if it is not installed. */
export async function shippedFiles(): Promise<ShippedFiles | undefined> {
  if (known) return known;
  const files = await importShipped();
  // Some bundlers put addresses relative to the page, which a worker cannot resolve.
  const entries = files && Object.entries(files).map(([path, address]) => [path, absoluteAddress(address)]);
  known = entries && Object.fromEntries(entries);
  return known;
}

/** Addresses that a worker needs to find a source: `shippedFiles` for a plain name, undefined for all others. */
export async function shippedFor(source: unknown, modelsUrl: string | undefined): Promise<ShippedFiles | undefined> {
  const isName = typeof source === "string" && !source.includes(":");
  return isName && modelsUrl === undefined ? shippedFiles() : undefined;
}

/** Sets the addresses that the page found. A worker has no import map and finds no package by its name. */
export function tellShippedFiles(files: ShippedFiles | undefined): void {
  known = files;
}

/**
 * Address of a file, named from the folder of models, such as "fovea-demo/config.json".
 *
 * @param files result of `shippedFiles`
 */
export function shippedAddress(path: string, files: ShippedFiles | undefined): URL {
  return new URL(files?.[path] ?? besideLibrary(path));
}
