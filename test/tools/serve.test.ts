/** The server behind the page and `npm run ask`: ranges as weights need them, and nothing beyond what it was told. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve } from "../../tools/serve.mjs";

const folder = mkdtempSync(join(tmpdir(), "fovea-serve-"));
mkdirSync(join(folder, "model"));
writeFileSync(join(folder, "secret.txt"), "secret");
writeFileSync(join(folder, "model/weights.bin"), "0123456789");
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await serve({
    "/model/": { folder: join(folder, "model") },
    "/one": { file: join(folder, "secret.txt") },
    "/": { text: "the page", type: "text/html" },
  });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Asks with the path as it stands: `fetch` would tidy it up. */
function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const { hostname, port, host } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path, headers: { host, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    }).on("error", reject);
  });
}

test.for([
  ["/model/weights.bin", {}, 200, "0123456789"],
  ["/model/weights.bin?x=1", {}, 200, "0123456789"],
  ["/model/weights.bin", { range: "bytes=2-4" }, 206, "234"],
  ["/model/weights.bin", { range: "bytes=8-" }, 206, "89"],
  ["/model/weights.bin", { range: "bytes=20-30" }, 416, ""],
  ["/one", {}, 200, "secret"],
  ["/", {}, 200, "the page"],
] as const)("%s %j", async ([path, headers, status, text]) => {
  expect(await ask(path, headers)).toEqual({ status, text });
});

test.for(["/model/none.bin", "/model/../secret.txt", "/model/%2e%2e/secret.txt", "/model/..%2fsecret.txt"])(
  "%s is not there",
  async (path) => {
    const { status, text } = await ask(path);
    // What leads out of a folder's path may lead to the page, as every unknown address does.
    if (text !== "the page") expect({ status, text }).toEqual({ status: 404, text: "" });
  },
);

test("a page that gave this machine another name reads nothing", async () => {
  expect(await ask("/model/weights.bin", { host: "evil.example" })).toEqual({ status: 403, text: "" });
});

test("a port that is taken is passed over", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "localhost", resolve));
  const port = (taken.address() as { port: number }).port;
  try {
    const other = await serve({}, { ports: [port, 0] });
    expect(other.origin).not.toBe(`http://localhost:${port}`);
    other.close();
    await expect(serve({}, { ports: [port] })).rejects.toThrow("EADDRINUSE");
  } finally {
    taken.close();
  }
});
