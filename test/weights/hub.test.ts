/** Models of a hub: names, listings, redirects, tokens, refusals, and answers that are no listing. */
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { ModelFolder } from "../../src/weights/folder.ts";
import { listHub } from "../../src/weights/hub.ts";
import { parseHubName } from "../../src/weights/hub-name.ts";
import { type OpenModelOptions, withModel } from "../../src/weights/open-model.ts";
import { expectBytes } from "../support/bytes.ts";
import { HUB_TOKEN, type HubOptions, type HubServer, startHub } from "../support/hub-server.ts";
import { QUICK_RETRY } from "../support/quick-retry.ts";
import { refused } from "../support/refused.ts";
import { patternBytes } from "./safetensors-file.ts";

const config = new TextEncoder().encode('{"a":1}');
const weights = patternBytes(100_000);
const files = { "config.json": config, "model.safetensors": weights, "pytorch_model.bin": patternBytes(50) };

let hub: HubServer | undefined;
afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

async function start(options?: HubOptions, published: Record<string, Uint8Array> = files): Promise<HubServer> {
  hub = await startHub(published, options);
  return hub;
}

async function readAll(folder: ModelFolder): Promise<Uint8Array> {
  expect(await folder.json("config.json")).toEqual({ a: 1 });
  expect(await folder.open("tokenizer.json")).toBeUndefined();
  const file = (await folder.open("model.safetensors"))!;
  await file.read(0, 8);
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream(0, file.byteLength)) chunks.push(chunk);
  await file.finish?.();
  return Buffer.concat(chunks);
}

const load = (source = "hf:someone/tiny", options: OpenModelOptions = {}) =>
  withModel(source, { hubUrl: hub!.url, retry: QUICK_RETRY, partBytes: 16384, ...options }, readAll);

describe("a name", () => {
  test.for([
    ["hf:owner/name", { owner: "owner", name: "name", revision: "main" }],
    ["hf:llava-hf/llava-1.5_7b.x@v1.0", { owner: "llava-hf", name: "llava-1.5_7b.x", revision: "v1.0" }],
    ["hf:a/b@refs/pr/3", { owner: "a", name: "b", revision: "refs/pr/3" }],
  ] as const)("%s", ([source, expected]) => expect(parseHubName(source)).toEqual(expected));

  test.for([
    "hf:",
    "hf:a",
    "hf:a/b/c",
    "hf:a/../b",
    "hf:../b",
    "hf:a/..",
    "hf:a/b@",
    "hf:a/b@../x",
    "hf:a/b@x/./y",
    "hf:a/b@x?y",
    "hf:a b/c",
    "hf:a/b#c",
    `hf:${"a".repeat(97)}/b`,
  ])("%s is refused", (source) => expect(() => parseHubName(source)).toThrow(TypeError));
});

describe("an open model", () => {
  test("in Xet's storage is read as plain bytes, and compared with its SHA-256", async () => {
    const { requests } = await start({ storage: "xet" });
    expectBytes(await load(), weights);
    const read = requests.filter(({ origin }) => origin === "cdn").map(({ path }) => path);
    expect(read.every((path) => path.startsWith("/xet-bridge/"))).toBe(true);
    expect(requests.filter(({ path }) => path.includes("xet-read-token"))).toEqual([]);
    await hub!.close();
    await start({ storage: "xet", wrongHash: "ab".repeat(32) });
    await expect(load()).rejects.toMatchObject(refused("hash-mismatch", /model\.safetensors.*abababab/));
  });

  test("is read from the commit behind the branch, its large file from another origin, in ranges", async () => {
    const { requests } = await start();
    expectBytes(await load(), weights);
    const paths = requests.map(({ origin, path }) => `${origin} ${path.replace(/[0-9a-f]{40}/, "COMMIT")}`);
    expect([...new Set(paths)]).toEqual([
      "hub /api/models/someone/tiny/revision/main",
      "hub /api/models/someone/tiny/tree/COMMIT",
      "hub /someone/tiny/resolve/COMMIT/config.json",
      "hub /someone/tiny/resolve/COMMIT/model.safetensors",
      "cdn /COMMIT/model.safetensors?signature=abc",
    ]);
    expect(requests.filter(({ origin }) => origin === "cdn").every(({ range }) => range !== undefined)).toBe(true);
  });

  test.for([
    { kept: ["model.safetensors"], left: ["consolidated.safetensors", "model-00001-of-00002.safetensors"] },
    {
      kept: ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
      left: ["consolidated.safetensors"],
    },
  ])("counts $kept as needed beside the small files, and leaves out $left", async ({ kept, left }) => {
    const published: Record<string, Uint8Array> = { "config.json": config, "pytorch_model.bin": patternBytes(50) };
    for (const [i, name] of [...kept, ...left].entries()) published[name] = patternBytes(1000 * 3 ** i);
    const totals = new Set<number>();
    await start({}, published);
    await withModel(
      "hf:someone/tiny",
      { hubUrl: hub!.url, retry: QUICK_RETRY, onBytes: ({ totalBytes }) => totals.add(totalBytes) },
      (folder) => folder.json("config.json"),
    );
    const bytes = (name: string) => published[name]!.byteLength;
    expect([...totals]).toEqual([config.byteLength + kept.reduce((sum, name) => sum + bytes(name), 0)]);
  });

  test("at a commit asks for no branch", async () => {
    const { requests, publish } = await start();
    const first = publish({ ...files, "model.safetensors": patternBytes(10) });
    publish(files);
    await load(`hf:someone/tiny@${first}`);
    expect(requests.some(({ path }) => path.includes("/revision/"))).toBe(false);
    expect(requests.some(({ path }) => path.includes(first))).toBe(true);
  });

  test("is listed in pages", async () => {
    const { requests } = await start({ pageSize: 1 });
    expectBytes(await load(), weights);
    expect(requests.filter(({ path }) => path.includes("/tree/")).length).toBe(3);
  });

  test("that is replaced while it is read stays the one that was begun", async () => {
    const server = await start();
    const read = await withModel("hf:someone/tiny", { hubUrl: server.url, retry: QUICK_RETRY }, async (folder) => {
      await folder.json("config.json");
      server.publish({ "config.json": config, "model.safetensors": patternBytes(100_000, 77) });
      return readAll(folder);
    });
    expectBytes(read, weights);
  });

  test("whose published hash is another is refused after one more try", async () => {
    await start({ wrongHash: "ab".repeat(32) });
    await expect(load()).rejects.toMatchObject(refused("hash-mismatch", /model\.safetensors.*abababab/));
  });

  test("whose file has another length than published is refused", async () => {
    const server = await start();
    server.override = (request, response) => {
      if (!request.url!.endsWith("/config.json")) return false;
      response.writeHead(200, { "Content-Length": 3 }).end("{ }");
      return true;
    };
    await expect(load()).rejects.toMatchObject(refused("hash-mismatch", /3 bytes at .*, expected 7;/));
  });
});

describe("a token", () => {
  test("opens a gated model, and goes to the hub only", async () => {
    const { requests } = await start({ access: "gated" });
    expectBytes(await load(undefined, { hubToken: HUB_TOKEN }), weights);
    for (const { origin, authorization } of requests)
      expect(authorization).toBe(origin === "hub" ? `Bearer ${HUB_TOKEN}` : undefined);
    expect(requests.some(({ origin }) => origin === "cdn")).toBe(true);
  });

  test("that is missing is asked for, with the page where the licence is accepted", async () => {
    const { url } = await start({ access: "gated" });
    await expect(load()).rejects.toMatchObject(
      refused(
        "download-failed",
        new RegExp(`accept the model's licence at ${url}someone/tiny and pass your access token as hubToken`),
      ),
    );
  });

  test.for(["gated", "private"] as const)(
    "that gives no access to a %s model is never part of a message",
    async (access) => {
      await start({ access });
      const error: Error = await load(undefined, { hubToken: "hf_wrongSecret" }).catch((error) => error);
      expect(error.message).toMatch(/hubToken gives no access/);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(
        "wrongSecret",
      );
    },
  );

  test("is not sent along to a next page elsewhere", async () => {
    const server = await start();
    server.override = (request, response) => {
      if (!request.url!.includes("/tree/")) return false;
      response.writeHead(200, { Link: `<${server.cdnUrl}more>; rel="next"` }).end('[{"type":"directory","path":"x"}]');
      return true;
    };
    await expect(load(undefined, { hubToken: HUB_TOKEN })).rejects.toThrow(/next page is on another server/);
    expect(server.requests.filter(({ origin }) => origin === "cdn")).toEqual([]);
  });
});

describe("a refusal says what to do", () => {
  test.for([
    ["hf:someone/missing", /no such model on 127\.0\.0\.1.*or it is private.*hubToken.*HTTP 401/],
    ["hf:someone/tiny@v9", /revision "v9" does not exist.*HTTP 404/],
  ] as const)("%s", async ([source, says]) => {
    await start();
    await expect(load(source)).rejects.toMatchObject(refused("download-failed", says));
  });

  test("a hub that is out of order is tried again", async () => {
    const server = await start();
    let failures = 2;
    server.override = (_, response) => failures-- > 0 && !!response.writeHead(503).end();
    expectBytes(await load(), weights);
  });

  test("a commit without the file that it lists", async () => {
    const server = await start();
    server.override = (request, response) =>
      request.url!.endsWith("/config.json") && !!response.writeHead(404, { "X-Error-Code": "EntryNotFound" }).end();
    await expect(load()).rejects.toMatchObject(
      refused("download-failed", /^config\.json: no file at .*; try again later/),
    );
  });

  test("a link to the bytes that is refused", async () => {
    const server = await start();
    server.cdnOverride = (_, response) => !!response.writeHead(403).end();
    await expect(load()).rejects.toMatchObject(
      refused(
        "download-failed",
        /^model\.safetensors: .* answered HTTP 403: access is refused; accept the model's licence at/,
      ),
    );
    // The commit is read again where the link to its bytes has run out.
    server.cdnOverride = undefined;
    expectBytes(await load(), weights);
  });

  test("an abort ends the asking", async () => {
    await start();
    await expect(load(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("a hub that limits requests", () => {
  const LIMIT = { "Retry-After": "0" };

  test.for(["/revision/", "/tree/", "config.json", "model.safetensors", "cdn"])("at %s is asked again", async (at) => {
    const server = await start();
    let left = 2;
    const limit = (response: ServerResponse) => left-- > 0 && !!response.writeHead(429, LIMIT).end();
    if (at === "cdn") server.cdnOverride = (_, response) => limit(response);
    else server.override = ({ url }, response) => url!.includes(at) && limit(response);
    expectBytes(await load(), weights);
    expect(left).toBeLessThan(0);
  });

  test.for([
    [{ RateLimit: '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300' }, /wait 55 s/],
    [{ "Retry-After": "7" }, /wait 7 s/],
    [{}, /wait some minutes/],
  ] as const)("and goes on doing so says when it can be asked: %j", async ([headers, says]) => {
    const server = await start();
    server.override = (_, response) => !!response.writeHead(429, headers).end();
    const error: Error = await load().catch((error) => error);
    expect(error).toMatchObject(refused("download-failed", says));
    expect(error.message).toMatch(/HTTP 429; gave up after 3 attempts; it limits requests: .* with an access token$/);
  });
});

describe("what is no listing", () => {
  const entry = (fields: object) =>
    JSON.stringify([{ type: "file", path: "config.json", size: 7, oid: "0".repeat(40), ...fields }]);
  test.for([
    ["no JSON", "<html>", /did not answer with JSON/],
    ["no list", "{}", /the answer is not a list/],
    ["an entry without a path", "[{}]", /an entry has no path/],
    ["a number as an entry", "[1]", /an entry has no path/],
    ["a negative length", entry({ size: -1 }), /the length of "config\.json" is -1/],
    ["a length that is no number", entry({ size: "7" }), /the length of "config\.json" is "7"/],
    ["no length", entry({ size: undefined }), /length of "config\.json" is missing/],
    ["a huge length", entry({ size: 1e300 }), /the length of "config\.json"/],
    ["a length beyond every disk", entry({ size: 2 ** 50 }), /the length of "config\.json" is 1125899906842624/],
    ["no git id", entry({ oid: "../../x" }), /"config\.json" has no git id/],
    ["no SHA-256", entry({ lfs: { oid: "xyz", size: 7 } }), /"config\.json" has no SHA-256/],
    [
      "too many files",
      JSON.stringify(new Array(10_001).fill({ type: "directory", path: "x" })),
      /more than 10000 files/,
    ],
    ["too many bytes", `[${" ".repeat(17 << 20)}]`, /more than 16777216 bytes/],
  ] as const)("%s", async ([, text, says]) => {
    const server = await start();
    server.override = (request, response: ServerResponse) =>
      request.url!.includes("/tree/") && !!response.writeHead(200).end(text);
    await expect(load()).rejects.toMatchObject(refused("download-failed", says));
  });

  test("a commit that is none", async () => {
    const server = await start();
    server.override = (request, response) =>
      request.url!.includes("/revision/") && !!response.writeHead(200).end('{"sha":"../../../x"}');
    await expect(load()).rejects.toThrow(/the answer has no commit/);
  });

  test("pages without an end", async () => {
    const server = await start();
    server.override = (request, response) => {
      if (!request.url!.includes("/tree/")) return false;
      response.writeHead(200, { Link: `<${request.url}>; rel="next"` }).end("[]");
      return true;
    };
    await expect(load()).rejects.toThrow(/pages without files/);
  });

  test("a nested file is listed from its folder, which is asked for once, and opened by its plain name", async () => {
    const server = await start();
    const nested = "qformer_tokenizer/tokenizer.json";
    const asked: string[] = [];
    server.override = (request, response) => {
      const { url = "" } = request;
      const isNested = url.endsWith(`/${nested}`);
      if (!url.includes("/tree/") && !isNested) return false;
      asked.push(url.replace(/\/[0-9a-f]{40}/, ""));
      const oid = "0".repeat(40);
      const folder = { type: "directory", path: "qformer_tokenizer", oid, size: 0 };
      const file = { type: "file", path: nested, oid, size: 2 };
      const other = { type: "file", path: "qformer_tokenizer/vocab.txt", oid, size: 2 };
      const inside = url.endsWith("/qformer_tokenizer");
      response.writeHead(200).end(isNested ? "{}" : JSON.stringify(inside ? [folder, file, other] : [folder]));
      return true;
    };
    const model = { owner: "someone", name: "tiny", revision: "main" };
    const { files: listed } = await listHub(model, { hubUrl: new URL(server.url), retry: QUICK_RETRY });
    expect([...listed.keys()]).toEqual(["qformer_tokenizer.json"]);
    expect(listed.get("qformer_tokenizer.json")!.url.pathname).toMatch(/\/qformer_tokenizer\/tokenizer\.json$/);
    expect(asked).toHaveLength(2);
  });

  test("names that are paths, and files that can hold programs, are not even there", async () => {
    const bad = ["../evil.safetensors", "a/b.safetensors", "model.bin", "tf_model.h5", "model.py", "C:x.safetensors"];
    await start({}, { ...files, ...Object.fromEntries(bad.map((name) => [name, patternBytes(10)])) });
    await withModel("hf:someone/tiny", { hubUrl: hub!.url }, async (folder) => {
      for (const name of ["model.bin", "model.py", "pytorch_model.bin"])
        expect(await folder.open(name)).toBeUndefined();
      for (const name of ["../evil.safetensors", "a/b.safetensors"])
        await expect(folder.open(name)).rejects.toThrow(RangeError);
      await folder.json("config.json");
    });
  });
});
