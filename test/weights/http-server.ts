/** A small HTTP server for the tests of this folder: serves files as told, well or badly, and notes every request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export { QUICK_RETRY } from "../support/quick-retry.ts";

export interface Served {
  bytes: Uint8Array;
  request: IncomingMessage;
  response: ServerResponse;
  /** The requested range, if the request has one. */
  range: { start: number; end: number } | undefined;
  /** How many requests came before this one. */
  index: number;
}

export type Behaviour = (served: Served) => void;

/** Answers as a good server does: 206 with exactly the range, or 200. */
export const withRanges: Behaviour = ({ bytes, response, range }) => {
  if (!range) return void response.writeHead(200, { "Content-Length": bytes.length }).end(bytes);
  if (range.start >= bytes.length)
    return void response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
  const part = bytes.subarray(range.start, range.end);
  const end = range.start + part.length;
  response
    .writeHead(206, {
      "Content-Range": `bytes ${range.start}-${end - 1}/${bytes.length}`,
      "Content-Length": part.length,
    })
    .end(part);
};

/**
 * Answers with `byteLength` bytes of what was asked for, and ends as if that were all. Unlike a dropped connection this
 * loses nothing on the way, so a test knows to the byte how far the client has come.
 */
export const endingAfter =
  (byteLength: number): Behaviour =>
  ({ bytes, range, response }) =>
    void response.writeHead(206).end(bytes.subarray(range!.start, Math.min(range!.end, range!.start + byteLength)));

/** Answers every request with the whole file. */
export const withoutRanges: Behaviour = ({ bytes, response }) => {
  response.writeHead(200, { "Content-Length": bytes.length }).end(bytes);
};

export interface TestServer {
  /** Ends in a slash. */
  url: URL;
  /** "model.safetensors 0-65535", "config.json" where there was no range. */
  requests: string[];
  close(): Promise<void>;
}

/** Serves the files until the test ends. Files that are not there are 404. */
export async function serve(
  files: Readonly<Record<string, Uint8Array>>,
  behaviour: Behaviour = withRanges,
): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url!, "http://host").pathname.slice(1));
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    requests.push(match ? `${name} ${match[1]}-${match[2]}` : name);
    const bytes = files[name];
    if (!bytes) return void response.writeHead(404).end("not here");
    const range = match
      ? { start: Number(match[1]), end: match[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length }
      : undefined;
    behaviour({ bytes, request, response, range, index: requests.length - 1 });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), requests, close };
}
