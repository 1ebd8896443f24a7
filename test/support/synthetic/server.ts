/** Serves a synthetic checkpoint from this machine as a model hub does. Node only. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { answerFor } from "./answer.ts";
import type { SyntheticCheckpoint } from "./checkpoint.ts";

export interface CheckpointServer {
  /** Of the checkpoint's folder; ends in a slash. */
  url: string;
  /** Bytes of bodies that were sent. */
  readonly sentBytes: number;
  readonly requests: number;
  close(): void;
}

/** Starts the server; the caller closes it. */
export async function serveCheckpoint(checkpoint: SyntheticCheckpoint): Promise<CheckpointServer> {
  let [sentBytes, requests] = [0, 0];
  const server = createServer((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Range");
    response.setHeader("Access-Control-Expose-Headers", "Content-Range, Content-Length, ETag");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    requests++;
    const name = new URL(request.url!, "http://host").pathname.slice(1);
    const { status, headers, file, start, end } = answerFor(checkpoint, name, request.headers.range);
    response.writeHead(status, headers);
    if (!file || request.method === "HEAD") return void response.end();
    function* chunks() {
      for (const chunk of file!.chunks(start, end)) {
        sentBytes += chunk.byteLength;
        yield chunk;
      }
    }
    // A stream of its own, so that no chunk is computed before its reader has room for it.
    const body = Readable.from(chunks(), { objectMode: true, highWaterMark: 2 });
    response.on("close", () => body.destroy());
    body.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get sentBytes() {
      return sentBytes;
    },
    get requests() {
      return requests;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
