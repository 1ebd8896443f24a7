/** Models on disk whose addresses differ in the query only: two models, each under its own key. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type OpenModelOptions, withModel } from "../../src/weights/open-model.ts";
import { deleteStoredModel, storedModels } from "../../src/weights/storage.ts";
import { expectBytes } from "../support/bytes.ts";
import { Network } from "../support/network.ts";
import { QUICK_RETRY } from "../support/quick-retry.ts";
import { patternBytes } from "./safetensors-file.ts";

const SOURCE = "https://models.test/tiny/";
const PART = 16384;
const ROOT = "fovea-models";
const config = new TextEncoder().encode('{"a":1}');
const weights = patternBytes(3 * PART + 123);

let network: Network;

const removeModels = async () =>
  (await navigator.storage.getDirectory()).removeEntry(ROOT, { recursive: true }).catch(() => {});

beforeAll(removeModels);
beforeEach(() => {
  network = new Network();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await removeModels();
});

const options: OpenModelOptions = { retry: QUICK_RETRY, partBytes: PART };

const load = (source = SOURCE) =>
  withModel(source, options, async (folder) => {
    expect(await folder.json("config.json")).toEqual({ a: 1 });
    const file = (await folder.open("model.safetensors"))!;
    const bytes = await file.read(0, file.byteLength);
    await file.finish?.();
    return bytes;
  });

describe("models behind one path", () => {
  const other = patternBytes(weights.length, 7);
  const models = { A: weights, B: other };
  const address = (name: string) => `${SOURCE}?m=${name}`;

  beforeEach(() => {
    // Equal lengths and no validators: only the query tells them apart.
    for (const [name, bytes] of Object.entries(models))
      for (const [file, content] of Object.entries({ "config.json": config, "model.safetensors": bytes }))
        network.files.set(`${SOURCE}${file}?m=${name}`, { bytes: content });
  });

  test("are stored apart, and each is loaded from disk as itself", async () => {
    for (const [name, bytes] of Object.entries(models)) expectBytes(await load(address(name)), bytes);
    for (const [name, bytes] of Object.entries(models)) expectBytes(await load(address(name)), bytes);
    network.isOffline = true;
    for (const [name, bytes] of Object.entries(models)) expectBytes(await load(address(name)), bytes);
    expect(new Set((await storedModels()).map(({ source }) => source)).size).toBe(2);
  });

  test("a query is not stored in clear, and its model is deleted by either name", async () => {
    network.add(SOURCE, { "config.json": config, "model.safetensors": weights });
    await load(address("A"));
    await load(address("B&signature=secret"));
    const stored = await storedModels();
    expect(JSON.stringify(stored)).not.toContain("secret");
    for (const { source } of stored) expect(source).toMatch(/^https:\/\/models\.test\/tiny\/\?\[[0-9a-f]{12}\]$/);
    expect(await deleteStoredModel(address("A"))).toBe(true);
    expect(await deleteStoredModel(stored[1]!.source)).toBe(true);
    expect(await storedModels()).toEqual([]);
  });

  test("a folder of an earlier version, which may be the other one, is not used", async () => {
    network.add(SOURCE, { "config.json": config, "model.safetensors": weights });
    await load();
    // An earlier version stored ?m=B here.
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT);
    const folder = (await root.values().next()).value as FileSystemDirectoryHandle;
    const handle = await folder.getFileHandle("model.json");
    const json = JSON.parse(await (await handle.getFile()).text());
    const writable = await handle.createWritable();
    await writable.write(JSON.stringify({ ...json, format: 1 }));
    await writable.close();
    network.add(SOURCE, { "model.safetensors": other });
    expectBytes(await load(), other);
    expect(await storedModels()).toMatchObject([{ source: SOURCE, complete: true }]);
  });
});
