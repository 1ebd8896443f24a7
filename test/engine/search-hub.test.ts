/** The search on a hub: which models it names, and what a hub may answer. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { fitOf, guessFit } from "../../src/engine/fit.ts";
import { searchHub } from "../../src/engine/search-hub.ts";
import { HUB_TOKEN, type HubServer, startHub } from "../support/hub-server.ts";

let hub: HubServer;
let found: unknown;
let status = 200;
beforeEach(async () => {
  hub = await startHub({});
  status = 200;
  hub.override = (request, response) => {
    if (!request.url!.startsWith("/api/models?")) return false;
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(found));
    return true;
  };
});
afterEach(() => hub.close());

const search = (words = "smol vision", options = {}) => searchHub(words, { hubUrl: hub.url, ...options });
const entry = (id: unknown, fields: object = {}) => ({ id, downloads: 5, gated: false, ...fields });

test("asks for words, and for what tells supported models from others", async () => {
  found = [];
  expect(await search("  smol vision ", { hubToken: HUB_TOKEN, limit: 7 })).toEqual([]);
  const [request] = hub.requests;
  expect(request!.authorization).toBe(`Bearer ${HUB_TOKEN}`);
  const asked = new URL(request!.path, hub.url).searchParams;
  expect(asked.get("search")).toBe("smol vision");
  expect(asked.get("limit")).toBe("7");
  expect(asked.getAll("expand[]")).toEqual(["downloads", "gated", "config", "gguf"]);
});

test("leaves out models that cannot be loaded, and entries without a usable name", async () => {
  found = [
    entry("a/smol", { config: { model_type: "smolvlm" }, gated: "auto", downloads: 9 }),
    entry("a/speech", { config: { model_type: "whisper" } }),
    entry("a/packed", { gguf: { architecture: "llama" } }),
    entry("a/packed-speech", { gguf: { architecture: "whisper" } }),
    entry("a/object", { gguf: { architecture: "constructor" } }),
    entry("a/nothing", { config: null, gguf: 7 }),
    entry("../etc", { config: { model_type: "llama" } }),
    entry(7, { config: { model_type: "llama" } }),
    null,
    { id: "a/bare", config: { model_type: "llama" } },
  ];
  expect(await search()).toEqual([
    { source: "hf:a/smol", downloads: 9, gated: true },
    { source: "hf:a/packed", downloads: 5, gated: false },
    { source: "hf:a/bare", downloads: 0, gated: false },
  ]);
});

test("an answer that is no list, and a refusal, are clear errors", async () => {
  found = { error: "no" };
  await expect(search()).rejects.toThrow(/not a list/);
  status = 403;
  await expect(search()).rejects.toMatchObject({ code: "download-failed", message: expect.stringMatching(/HTTP 403/) });
});

test("aborts", async () => {
  await expect(search("a", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
});

test.for([
  ["", {}],
  ["   ", {}],
  ["a".repeat(201), {}],
  ["a", { limit: 0 }],
  ["a", { limit: 101 }],
  ["a", { words: "b" }],
  ["a", { hubUrl: "ftp://a" }],
] as const)("refuses %j with %j", async ([words, options]) => {
  await expect(search(words, options)).rejects.toThrow(/TypeError|RangeError|must|needs|not known/);
  expect(hub.requests).toEqual([]);
});

test.for([
  [1 << 30, "fits"],
  [(1 << 30) + 1, "tight"],
  [2 ** 31, "tight"],
  [2 ** 31 + 1, "too-large"],
] as const)("%i bytes on a device with buffers of 1 GiB: %s", ([bytes, fit]) => {
  expect(fitOf(bytes, { maxBufferSize: 1 << 30 })).toBe(fit);
});

test("no guess without a GPU", async () => {
  expect(await guessFit(1)).toBeUndefined();
});
