/** Addresses of the demo model's files, in the page and in its worker. */
import { besideLibrary, importShipped, type ShippedFiles } from "./shipped-package.ts";
import { absoluteAddress } from "./source.ts";

let told: ShippedFiles | undefined;

/** The files that the package of the demo model names; undefined if it is not installed. */
export async function shippedFiles(): Promise<ShippedFiles | undefined> {
  if (told) return told;
  const files = await importShipped();
  // Some bundlers put addresses relative to the page, which a worker cannot resolve.
  const entries = files && Object.entries(files).map(([path, address]) => [path, absoluteAddress(address)]);
  told = entries && Object.fromEntries(entries);
  return told;
}

/** What a worker must know to find a source: `shippedFiles` for a plain name, and nothing for all others. */
export async function shippedFor(source: unknown, modelsUrl: string | undefined): Promise<ShippedFiles | undefined> {
  const isName = typeof source === "string" && !source.includes(":");
  return isName && modelsUrl === undefined ? shippedFiles() : undefined;
}

/** Takes over what the page found. A worker has no import map and finds no package by its name. */
export function tellShippedFiles(files: ShippedFiles | undefined): void {
  told = files;
}

/**
 * Address of a file, named from the folder of models, such as "fovea-demo/config.json".
 *
 * @param files what `shippedFiles` found
 */
export function shippedAddress(path: string, files: ShippedFiles | undefined): URL {
  return new URL(files?.[path] ?? besideLibrary(path));
}
