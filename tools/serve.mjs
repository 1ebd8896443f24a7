// A small local server for the demo page and for `npm run ask`: folders, single files and strings.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import sirv from "sirv";

/**
 * The content at an address: a folder, a file, a string with its type, or bytes that are read on request. A folder has
 * byte ranges, and its path ends in "/"; so does the path of bytes, which are read by the rest of an address.
 * @typedef {{ folder: string } | { file: string } | { text: string, type: string } | { read: (name: string) => Promise<Uint8Array> }} Served
 */

/**
 * Serves until `close`, or until the process ends. Throws an Error if no port is free.
 * @param {Record<string, Served>} paths address -> content; "/" is the fallback
 * @param {{ ports?: number[], headers?: Record<string, string>, onSent?: (path: string, bytes: number) => void }}
 *   [options] ports to try in order, default: any free one; headers of every answer; onSent is called after each answer
 * @returns {Promise<{ origin: string, close: () => void }>}
 */
export async function serve(paths, { ports = [0], headers = {}, onSent } = {}) {
  const handlers = Object.entries(paths)
    .map(([path, served]) => ({ path, handle: handlerOf(served) }))
    .sort((a, b) => b.path.length - a.path.length);
  /** @type {string} */
  let host = "";
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").replace(/[?#].*$/s, "");
    const found = handlers.find((one) => one.path === path || (one.path.endsWith("/") && path.startsWith(one.path)));
    // Another host name means that a foreign page tries to read local files (DNS rebinding).
    if (!found || request.headers.host !== host) {
      response.writeHead(found ? 403 : 404).end();
      return;
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const before = request.socket.bytesWritten;
    if (onSent) response.once("close", () => onSent(path, request.socket.bytesWritten - before));
    if (found.path !== "/" && found.path.endsWith("/")) request.url = path.slice(found.path.length - 1);
    found.handle(request, response);
  });
  const port = await listen(server, ports);
  host = `localhost:${port}`;
  return {
    origin: `http://${host}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * The headers of all pages in a `_headers` file of static-site hosts.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parseHeaders(text) {
  const lines = text.split("\n").filter((line) => /^\s+\S/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

/**
 * @param {Served} served
 * @returns {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void}
 */
function handlerOf(served) {
  if ("folder" in served) return sirv(served.folder, { dev: true, etag: true });
  if ("text" in served)
    return (_, response) => {
      response.writeHead(200, { "Content-Type": served.type }).end(served.text);
    };
  if ("read" in served)
    return (request, response) => {
      served.read((request.url ?? "/").slice(1)).then(
        (bytes) => response.writeHead(200, { "Content-Type": "application/octet-stream" }).end(bytes),
        (error) => response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" }).end(error.message),
      );
    };
  const type = served.file.endsWith(".mjs") ? "text/javascript" : "application/octet-stream";
  return (_, response) => {
    response.writeHead(200, { "Content-Type": type });
    createReadStream(served.file)
      .on("error", (error) => response.destroy(error))
      .pipe(response);
  };
}

/**
 * @param {import("node:http").Server} server
 * @param {number[]} ports
 * @returns {Promise<number>}
 */
async function listen(server, ports) {
  for (const [index, port] of ports.entries()) {
    try {
      await new Promise((resolve, reject) => {
        server.once("error", reject).listen(port, "localhost", () => resolve(undefined));
      });
      const address = server.address();
      if (address && typeof address === "object") return address.port;
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!isTaken || index === ports.length - 1) throw error;
    }
  }
  throw new Error("no port to listen on");
}
