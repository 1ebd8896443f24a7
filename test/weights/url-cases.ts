/** Shared by the tests of url-source.ts: files, ways to open them, and answers that differ from a good server's. */
import { expect, vi } from "vitest";
import type { RetryPolicy } from "../../src/weights/retry.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { type Behaviour, QUICK_RETRY, serve, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";

/** Length of a source's first request. */
export const PREFIX = 64 << 10;

export const big = patternBytes(400_000);
export const small = patternBytes(1000);

/** Serves the bytes as file "f", and opens it. */
export async function open(bytes: Uint8Array, behaviour: Behaviour, retry: RetryPolicy = QUICK_RETRY) {
  const server = await serve({ f: bytes }, behaviour);
  return { ...server, source: await openUrl(new URL("f", server.url), "f", { retry }) };
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.byteLength).toBe(expected.byteLength);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** The good answer, but with other headers. */
export const withHeaders =
  (headers: Record<string, string>): Behaviour =>
  (served) => {
    const { response } = served;
    const writeHead = response.writeHead.bind(response) as (status: number, headers: object) => typeof response;
    response.writeHead = ((status: number, own: object) => writeHead(status, { ...own, ...headers })) as never;
    withRanges(served);
  };

/** A good answer to the first request, this one to the others. */
export const later =
  (behaviour: Behaviour): Behaviour =>
  (served) =>
    (served.index === 0 ? withRanges : behaviour)(served);

/** Makes answers look as they do to a page of another origin that may not see these headers. */
export function hideHeaders(...names: string[]): void {
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    const response = await real(url, init);
    const headers = new Headers(response.headers);
    for (const name of names) headers.delete(name);
    return new Response(response.body, { status: response.status, headers });
  });
}
