/**
 * Reference data: `../shared` beside the checkout, and the part of its `golden` folder that lives in test/golden. Works
 * in Node and in the browser tests. A path names a file of `../shared`; where that folder is missing, `golden/...` is
 * read from test/golden. Tests that need more than that are skipped there, by name.
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

/** The bytes of a file below shared/. Throws if it is missing. */
export async function sharedBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await sharedBytesIfAny(path);
  if (!bytes) throw new Error(`${path}: no such file`);
  return bytes;
}

/** As `sharedBytes`; undefined where there is no such file. */
export async function sharedBytesIfAny(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (inNode) {
    const [{ existsSync }, { readFile }] = await Promise.all([import("node:fs"), import("node:fs/promises")]);
    const file = `${dataRoot}/${path}`;
    return existsSync(file) ? new Uint8Array(await readFile(file)) : undefined;
  }
  const response = await fetch(sharedUrl(path));
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The JSON of a file below shared/. Throws if it is missing. */
export async function sharedJson<T>(path: string): Promise<T> {
  return parsed(await sharedBytes(path));
}

/** As `sharedJson`; undefined where there is no such file. */
export async function sharedJsonIfAny<T>(path: string): Promise<T | undefined> {
  const bytes = await sharedBytesIfAny(path);
  return bytes && parsed(bytes);
}

function parsed<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}
