/** The built site on a server whose sending of weights can be broken off, held up and falsified. Node only. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";

export interface SiteServer {
  /** Of the page; ends in a slash. */
  address: string;
  /** Bytes of weights that were sent. */
  servedBytes: number;
  /** Total of weights sent at which the connection is cut, once. */
  breaksAtBytes: number;
  /** Total of weights sent at which the sending stops, without an end. */
  stallsAtBytes: number;
  /** True if a byte of the weights is not the published one. */
  isFalse: boolean;
  close(): void;
}

/** Serves a folder with the site; weights are the file of that name, wherever it lies. */
export async function startSite(folder: string, weights = "fovea-demo/model.safetensors"): Promise<SiteServer> {
  const files = sirv(folder, { dev: true, etag: true });
  const bytes = readFileSync(`${folder}/${weights}`);
  const falsified = Uint8Array.from(bytes);
  falsified[bytes.length - 1]! ^= 1;

  const sendWeights = (request: IncomingMessage, response: ServerResponse) => {
    const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(first);
    const end = last ? Math.min(Number(last) + 1, bytes.length) : bytes.length;
    const range = request.headers.range ? { "Content-Range": `bytes ${start}-${end - 1}/${bytes.length}` } : {};
    response.writeHead(request.headers.range ? 206 : 200, { ...range, "Content-Length": end - start });
    const cut = site.breaksAtBytes - site.servedBytes;
    const sent = Math.max(0, Math.min(end - start, cut, site.stallsAtBytes - site.servedBytes));
    site.servedBytes += sent;
    const isCut = sent === cut && sent < end - start;
    if (isCut) site.breaksAtBytes = Number.POSITIVE_INFINITY;
    response.write((site.isFalse ? falsified : bytes).subarray(start, start + sent), () => {
      // Behind what was sent, which a reset might still take back.
      if (isCut) response.socket?.end();
      else if (sent === end - start) response.end();
    });
  };

  const server = createServer((request, response) => {
    if (request.url?.endsWith(`/${weights}`)) sendWeights(request, response);
    else files(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const site: SiteServer = {
    address: `http://localhost:${(server.address() as AddressInfo).port}/`,
    servedBytes: 0,
    breaksAtBytes: Number.POSITIVE_INFINITY,
    stallsAtBytes: Number.POSITIVE_INFINITY,
    isFalse: false,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return site;
}
