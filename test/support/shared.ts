/**
 * Reference data that lies beside the checkout, in `../shared`. Works in Node and in the browser tests.
 * Where the folder is missing, suites that need it are skipped, and seen as skipped.
 */
import { describe } from "vitest";

/** Absolute path of the folder, or "" where it is missing; set by vite.config.ts. */
export const sharedRoot: string = import.meta.env.VITE_SHARED_ROOT;
const inNode = typeof process !== "undefined" && !!process.versions?.node;

export const hasShared = sharedRoot !== "";

/** A suite that needs `../shared`. */
export const describeShared = hasShared ? describe : describe.skip;

/** URL of a file or folder of `../shared` on the test server; browser tests only. */
export function sharedUrl(path: string): string {
  return `${location.origin}/@fs${sharedRoot}/${path}`;
}

export async function sharedBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  if (inNode) {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(`${sharedRoot}/${path}`));
  }
  const response = await fetch(sharedUrl(path));
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function sharedJson<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await sharedBytes(path))) as T;
}
