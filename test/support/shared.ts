/**
 * Reference data: `../shared` beside the checkout, and the part of its `golden` folder that lives in test/golden. Works in
 * Node and in the browser tests. A path names a file of `../shared`; where that folder is missing, `golden/...` is read from
 * test/golden. What needs more than that is skipped there, by name.
 */
import { describe, test } from "vitest";

/** Absolute path of `../shared`, or "" where it is missing; set by vite.config.ts. */
const sharedRoot: string = import.meta.env.VITE_SHARED_ROOT;
const projectRoot: string = import.meta.env.VITE_PROJECT_ROOT;
const inNode = typeof process !== "undefined" && !!process.versions?.node;

export const hasShared = sharedRoot !== "";

/** Absolute path of the folder with `golden` in it: `../shared`, or test/. */
export const dataRoot = hasShared ? sharedRoot : `${projectRoot}/test`;

/** A suite, and a test, that need more of `../shared` than is in test/golden. */
export const describeShared = hasShared ? describe : describe.skip;
export const testShared = hasShared ? test : test.skip;

/**
 * The name of such a suite or test. Where it is skipped, the name says which folder of `../shared` is missing, and
 * tools/test-report.mjs counts by that.
 */
export function needing(folder: string, name: string): string {
  return hasShared ? name : `${name} [needs ../shared/${folder}]`;
}

/** URL of a file or folder of `../shared` on the test server; browser tests only. */
export function sharedUrl(path: string): string {
  return `${location.origin}/@fs${dataRoot}/${path}`;
}

/** URL of the folder of the model that ships; browser tests only. */
export function shippedModelUrl(): string {
  return `${location.origin}/@fs${projectRoot}/public/fovea-demo`;
}

export async function sharedBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  if (inNode) {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(`${dataRoot}/${path}`));
  }
  const response = await fetch(sharedUrl(path));
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function sharedJson<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await sharedBytes(path))) as T;
}
