/**
 * A network for browser tests that is made of files: stands in for `fetch`, knows ranges, counts what it serves, and can
 * be switched off, broken and falsified.
 */
import { vi } from "vitest";

export interface NetworkFile {
  bytes: Uint8Array<ArrayBuffer>;
  etag?: string;
}

/** The files of a network without servers, and its requests. */
export class Network {
  /** Address -> file. A query that no address names is ignored. */
  readonly files = new Map<string, NetworkFile>();
  /** "GET address range" of each request. */
  readonly requests: string[] = [];
  /** Bytes of bodies that were sent. */
  servedBytes = 0;
  isOffline = false;
  /** Bodies break off once this many more bytes were sent; every later request fails. */
  breaksAfterBytes = Number.POSITIVE_INFINITY;
  /** Changes bytes on their way. */
  tamper: ((url: string, bytes: Uint8Array<ArrayBuffer>, start: number) => void) | undefined;
  /** Bytes of a chunk. */
  chunkBytes = 5000;

  constructor() {
    vi.stubGlobal("fetch", (input: URL | string, init?: RequestInit) => this.#answer(String(input), init));
  }

  add(folder: string, files: Record<string, Uint8Array<ArrayBuffer>>, etag?: string): void {
    for (const [name, bytes] of Object.entries(files))
      this.files.set(`${folder}${name}`, { bytes, ...(etag && { etag: `"${etag}"` }) });
  }

  async #answer(url: string, init?: RequestInit): Promise<Response> {
    const range = new Headers(init?.headers).get("Range");
    this.requests.push(`${url}${range ? ` ${range}` : ""}`);
    if (this.isOffline || this.breaksAfterBytes <= 0) throw new TypeError("Failed to fetch");
    const file = this.files.get(url) ?? this.files.get(url.replace(/\?.*/, ""));
    if (!file) return new Response("not here", { status: 404 });
    const [, first = "0", last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const start = Number(first);
    const end = Math.min(last ? Number(last) + 1 : file.bytes.length, file.bytes.length);
    const headers: Record<string, string> = { "Content-Length": String(end - start) };
    if (file.etag) headers.ETag = file.etag;
    if (range && start >= file.bytes.length) return new Response(null, { status: 416 });
    if (range) headers["Content-Range"] = `bytes ${start}-${end - 1}/${file.bytes.length}`;
    const part = file.bytes.slice(start, end);
    this.tamper?.(url, part, start);
    return new Response(this.#body(part, init?.signal), { status: range ? 206 : 200, headers });
  }

  #body(bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal | null): ReadableStream<Uint8Array<ArrayBuffer>> {
    let at = 0;
    return new ReadableStream(
      {
        pull: (controller) => {
          if (signal?.aborted) return controller.error(signal.reason);
          if (at === bytes.length) return controller.close();
          const chunk = bytes.slice(at, at + Math.min(this.chunkBytes, this.breaksAfterBytes));
          if (chunk.length === 0) return controller.error(new TypeError("network error"));
          at += chunk.length;
          this.servedBytes += chunk.length;
          this.breaksAfterBytes -= chunk.length;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
  }
}
