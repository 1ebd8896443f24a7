/** Serves a folder from another origin as a model hub does: ranges and CORS. Node only. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";

/** Starts the server; the caller closes it. */
export async function startModelServer(folder: string): Promise<{ origin: string; close: () => void }> {
  const files = sirv(folder, { dev: true });
  const server = createServer((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Range");
    response.setHeader("Access-Control-Expose-Headers", "Content-Range, Content-Length, ETag");
    if (request.method === "OPTIONS") response.writeHead(204).end();
    else files(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
