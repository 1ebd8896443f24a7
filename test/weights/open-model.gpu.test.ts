/** Models on disk, in a real browser's private file system: stored, verified, resumed, shared, replaced, deleted. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ModelFolder } from "../../src/weights/folder.ts";
import { type OpenModelOptions, withModel } from "../../src/weights/open-model.ts";
import { deleteStoredModel, storageReport, storedModels } from "../../src/weights/storage.ts";
import { expectBytes } from "../support/bytes.ts";
import { Network } from "../support/network.ts";
import { QUICK_RETRY } from "../support/quick-retry.ts";
import { refused } from "../support/refused.ts";
import { patternBytes } from "./safetensors-file.ts";

const SOURCE = "https://models.test/tiny/";
const HUB = "https://hub.test/";
const PART = 16384;
/** What a file's first request asks for. */
const PREFIX = 65536;
const ROOT = "fovea-models";
const config = new TextEncoder().encode('{"a":1}');
const weights = patternBytes(10 * PART + 123);

let network: Network;

const removeModels = async () =>
  (await navigator.storage.getDirectory()).removeEntry(ROOT, { recursive: true }).catch(() => {});

// Other files of this browser store models too.
beforeAll(removeModels);
beforeEach(() => {
  network = new Network();
  network.add(SOURCE, { "config.json": config, "model.safetensors": weights }, "v1");
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await removeModels();
});

const options: OpenModelOptions = { retry: QUICK_RETRY, partBytes: PART };

/** Reads as a loader does: a description, the beginning of the weights, then all of them. */
async function readAll(folder: ModelFolder): Promise<Uint8Array> {
  expect(await folder.json("config.json")).toEqual({ a: 1 });
  expect(await folder.open("tokenizer.json")).toBeUndefined();
  const file = (await folder.open("model.safetensors"))!;
  await file.read(0, 8);
  const result = new Uint8Array(file.byteLength);
  result.set(await file.read(0, 100));
  let at = 100;
  for await (const chunk of file.stream(100, file.byteLength - 50)) {
    result.set(chunk, at);
    at += chunk.length;
  }
  await file.finish?.();
  result.set(await file.read(at, file.byteLength), at);
  return result;
}

const load = (source = SOURCE, more: OpenModelOptions = {}) => withModel(source, { ...options, ...more }, readAll);

/** The handle of a stored file of the model, by name and number of the part. */
async function partHandle(part: number, byteLength = weights.length): Promise<FileSystemFileHandle> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT);
  for await (const model of root.values())
    for await (const file of (model as FileSystemDirectoryHandle).values()) {
      if (file.kind !== "directory") continue;
      const folder = file as FileSystemDirectoryHandle;
      const identity = await (await (await folder.getFileHandle("file.json")).getFile()).text();
      if (JSON.parse(identity).byteLength === byteLength) return folder.getFileHandle(String(part));
    }
  throw new Error("no such file is stored");
}

async function damage(part: number): Promise<void> {
  const handle = await partHandle(part);
  const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
  bytes[1000]! ^= 1;
  const writable = await handle.createWritable();
  await writable.write(bytes);
  await writable.close();
}

describe("a folder behind an address", () => {
  test("is stored by the first load, and loaded without a network by the second", async () => {
    expectBytes(await load(), weights);
    // The header's part is not asked for again: every byte came once.
    expect(network.servedBytes).toBe(weights.length + config.length);
    const [stored, ...others] = await storedModels();
    expect(others).toEqual([]);
    expect(stored).toMatchObject({ source: SOURCE, complete: true, bytes: weights.length + config.length });
    expect(stored!.files.map(({ name }) => name)).toEqual(["config.json", "model.safetensors"]);
    network.isOffline = true;
    expectBytes(await load(), weights);
  });

  test("costs a request a file to see that nothing has changed", async () => {
    await load();
    network.requests.length = 0;
    const before = network.servedBytes;
    expectBytes(await load(), weights);
    expect(network.requests.map((request) => request.replace(SOURCE, ""))).toEqual([
      `config.json bytes=0-${PREFIX - 1}`,
      `tokenizer.json bytes=0-${PREFIX - 1}`,
      `model.safetensors bytes=0-${PREFIX - 1}`,
    ]);
    expect(network.servedBytes - before).toBeLessThanOrEqual(config.length + PREFIX);
  });

  test.for([0, 3, 10])("a wrong byte in part %i on disk is never used, and fetched again", async (part) => {
    await load();
    await damage(part);
    network.requests.length = 0;
    expectBytes(await load(), weights);
    expect((await storedModels())[0]).toMatchObject({ complete: true });
    network.isOffline = true;
    expectBytes(await load(), weights);
  });

  test("a wrong byte on disk is an error without a network", async () => {
    await load();
    await damage(3);
    network.isOffline = true;
    await expect(load()).rejects.toMatchObject(refused("download-failed", /stored.*damaged/));
  });

  test("a broken download goes on where it was, whenever that is", async () => {
    network.breaksAfterBytes = config.length + 5.5 * PART;
    await expect(load()).rejects.toMatchObject({ code: "download-failed" });
    const [partial] = await storedModels();
    expect(partial).toMatchObject({ complete: false, bytes: config.length + 5 * PART });
    network.breaksAfterBytes = Number.POSITIVE_INFINITY;
    network.requests.length = 0;
    const before = network.servedBytes;
    expectBytes(await load(), weights);
    expect(network.requests.filter((request) => request.includes("safetensors"))).toEqual([
      `${SOURCE}model.safetensors bytes=0-${PREFIX - 1}`,
      `${SOURCE}model.safetensors bytes=${5 * PART}-${weights.length - 1}`,
    ]);
    expect(network.servedBytes - before).toBe(config.length + PREFIX + weights.length - 5 * PART);
  });

  test("another version replaces the one on disk", async () => {
    await load();
    const newer = patternBytes(weights.length, 99);
    network.add(SOURCE, { "model.safetensors": newer }, "v2");
    expectBytes(await load(), newer);
    network.isOffline = true;
    expectBytes(await load(), newer);
  });

  test("parts of two versions never mix", async () => {
    network.breaksAfterBytes = config.length + 5.5 * PART;
    await expect(load()).rejects.toThrow();
    network.breaksAfterBytes = Number.POSITIVE_INFINITY;
    const newer = patternBytes(weights.length, 99);
    network.add(SOURCE, { "model.safetensors": newer }, "v2");
    expectBytes(await load(), newer);
  });

  test("parts of a file without a version are not gone on with", async () => {
    network.add(SOURCE, { "config.json": config, "model.safetensors": weights });
    network.files.get(`${SOURCE}model.safetensors`)!.etag = "";
    network.breaksAfterBytes = config.length + 5.5 * PART;
    await expect(load()).rejects.toThrow();
    network.breaksAfterBytes = Number.POSITIVE_INFINITY;
    const newer = patternBytes(weights.length, 99);
    network.add(SOURCE, { "model.safetensors": newer });
    expectBytes(await load(), newer);
  });

  test("many loads at once download it once", async () => {
    const results = await Promise.all([load(), load(), load()]);
    for (const result of results) expectBytes(result, weights);
    // The others look whether it changed, which costs a file's beginning.
    expect(network.servedBytes).toBeLessThan(weights.length + 2 * PREFIX + 1000);
    expect(
      network.requests.filter((request) => request.endsWith(`model.safetensors bytes=0-${PREFIX - 1}`)).length,
    ).toBe(3);
  });

  test("waiting for another load can be aborted", async () => {
    const controller = new AbortController();
    let waiting: Promise<unknown> = Promise.resolve();
    await withModel(SOURCE, options, async (folder) => {
      waiting = expect(load(SOURCE, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
      await new Promise((resolve) => setTimeout(resolve, 100));
      controller.abort();
      await waiting;
      return readAll(folder);
    });
  });

  test("nothing is stored, or read from disk, with cache none", async () => {
    await load(SOURCE, { cache: "none" });
    expect(await storedModels()).toEqual([]);
  });

  test("is counted as it comes", async () => {
    const seen: number[] = [];
    await load(SOURCE, { onBytes: ({ loadedBytes, totalBytes }) => seen.push(loadedBytes, totalBytes) });
    expect(seen.at(-1)).toBe(weights.length + config.length);
    expect(seen.at(-2)).toBe(weights.length + config.length);
    const loaded = seen.filter((_, i) => i % 2 === 0);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  });
});

describe("the disk", () => {
  test("is emptied of a deleted model, and told of", async () => {
    await load();
    expect(await deleteStoredModel("nothing")).toBe(false);
    expect(await deleteStoredModel((await storedModels())[0]!.source)).toBe(true);
    expect(await storedModels()).toEqual([]);
    const { quotaBytes, freeBytes, persisted } = await storageReport();
    expect(freeBytes).toBeLessThanOrEqual(quotaBytes!);
    expect(persisted).toBeTypeOf("boolean");
  });

  test("without room is an error before anything is stored, with the numbers and what could go", async () => {
    await load();
    network.add("https://models.test/other/", { "config.json": config, "model.safetensors": weights }, "v1");
    vi.spyOn(navigator.storage, "estimate").mockResolvedValue({ quota: 300_000, usage: 200_000 });
    await expect(load("https://models.test/other/")).rejects.toMatchObject(
      refused(
        "download-failed",
        /no room to store https:\/\/models.test\/other\/: it needs 0\.164 MB more, 0\.100 MB of this site's 0\.300 MB are free; .*https:\/\/models\.test\/tiny\/.*cache "none"/,
      ),
    );
    expectBytes(await load("https://models.test/other/", { cache: "none" }), weights);
    // What is stored needs no room.
    expectBytes(await load(), weights);
  });

  test("that fills up in the middle does not end the load", async () => {
    const write = FileSystemWritableFileStream.prototype.write;
    let writes = 0;
    vi.spyOn(FileSystemWritableFileStream.prototype, "write").mockImplementation(function (this: never, data) {
      if (++writes > 10) return Promise.reject(new DOMException("full", "QuotaExceededError"));
      return write.call(this, data);
    });
    expectBytes(await load(), weights);
    vi.restoreAllMocks();
    expect((await storedModels())[0]).toMatchObject({ complete: false });
    expectBytes(await load(), weights);
    expect((await storedModels())[0]).toMatchObject({ complete: true });
  });

  test.for(["model.json", "complete", "file.json", "parts.json"])(
    "a damaged %s costs a download at most",
    async (name) => {
      await load();
      const handle = await partHandle(0);
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT);
      const [, ...path] = (await (await navigator.storage.getDirectory()).resolve(handle))!;
      const model = await root.getDirectoryHandle(path[0]!);
      const folder = name === "model.json" || name === "complete" ? model : await model.getDirectoryHandle(path[1]!);
      if (name === "complete") await folder.removeEntry(name);
      else {
        const writable = await (await folder.getFileHandle(name)).createWritable();
        await writable.write('{"format":1,"name":"../../x","byteLength":-1,"hashes":[1e9]');
        await writable.close();
      }
      expectBytes(await load(), weights);
      expect((await storedModels())[0]).toMatchObject({ source: SOURCE, complete: true });
    },
  );
});

describe("a model of a hub", () => {
  const id = "hf:someone/tiny";
  const commit = "0123456789abcdef0123456789abcdef01234567";

  async function publish(sha256?: string): Promise<void> {
    const hex = async (algorithm: string, bytes: Uint8Array<ArrayBuffer>) =>
      Array.from(new Uint8Array(await crypto.subtle.digest(algorithm, bytes)), (b) =>
        b.toString(16).padStart(2, "0"),
      ).join("");
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const blob = new Uint8Array([...new TextEncoder().encode(`blob ${config.length}\0`), ...config]);
    network.add(`${HUB}api/models/someone/tiny/`, {
      "revision/main": json({ sha: commit }),
      [`tree/${commit}`]: json([
        { type: "file", path: "config.json", size: config.length, oid: await hex("SHA-1", blob) },
        {
          ...{ type: "file", path: "model.safetensors", size: 130, oid: "0".repeat(40) },
          lfs: { oid: sha256 ?? (await hex("SHA-256", weights)), size: weights.length },
        },
        { type: "file", path: "../evil.safetensors", size: -1, oid: 7 },
        { type: "directory", path: "onnx", size: 0, oid: "0" },
      ]),
    });
    network.add(`${HUB}someone/tiny/resolve/${commit}/`, { "config.json": config, "model.safetensors": weights });
  }
  const loadHub = (more: OpenModelOptions = {}) => load(id, { hubUrl: HUB, ...more });

  test("is verified, stored, and loaded without a network", async () => {
    await publish();
    const totals = new Set<number>();
    expectBytes(await loadHub({ onBytes: ({ totalBytes }) => totals.add(totalBytes) }), weights);
    expect([...totals]).toEqual([weights.length + config.length]);
    network.isOffline = true;
    expectBytes(await loadHub(), weights);
  });

  test("whose published hash is another is refused, after one more try, and nothing of it kept", async () => {
    await publish("ab".repeat(32));
    await expect(loadHub()).rejects.toMatchObject(refused("hash-mismatch", /model\.safetensors.*abab/));
    const [stored] = await storedModels();
    expect(stored!.files.map(({ name }) => name)).toEqual(["config.json"]);
    expect(network.requests.filter((request) => request.includes("safetensors bytes=0-")).length).toBe(2);
  });

  test("that came damaged once is fetched once more", async () => {
    await publish();
    let harm = true;
    network.tamper = (url, bytes, start) => {
      const at = 7 * PART - start;
      if (!harm || !url.endsWith("safetensors") || at < 0 || at >= bytes.length) return;
      harm = false;
      bytes[at]! ^= 1;
    };
    expectBytes(await loadHub(), weights);
    expect(harm).toBe(false);
  });

  test("is verified where nothing is stored, too", async () => {
    await publish();
    expectBytes(await loadHub({ cache: "none" }), weights);
    await publish("ab".repeat(32));
    await expect(loadHub({ cache: "none" })).rejects.toMatchObject({ code: "hash-mismatch" });
  });

  test("a damaged description is not used either", async () => {
    await publish();
    network.tamper = (url, bytes) => {
      if (url.endsWith("config.json")) bytes[5] = 50;
    };
    await expect(loadHub()).rejects.toMatchObject(refused("hash-mismatch", /config\.json/));
  });

  test("parts that were wrong when a download was resumed are found", async () => {
    await publish();
    network.breaksAfterBytes = 1000 + 6.5 * PART;
    await expect(loadHub()).rejects.toThrow();
    network.breaksAfterBytes = Number.POSITIVE_INFINITY;
    await damage(1);
    expectBytes(await loadHub(), weights);
  });
});
