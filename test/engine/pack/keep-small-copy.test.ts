/** Small copies on disk: what they hold, what a failure leaves, and how a copy takes the place of an earlier one. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepSmallCopy } from "../../../src/engine/keep-copy.ts";
import { packModel } from "../../../src/engine/pack/pack-model.ts";
import { planModel } from "../../../src/engine/plan-model.ts";
import { NO_ROOM } from "../../../src/shared/stored-model.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { withModel } from "../../../src/weights/open-model.ts";
import { deleteStoredModel, storedModels } from "../../../src/weights/storage.ts";
import { memoryFolder } from "../../support/memory-folder.ts";
import { MemoryStorage } from "../../support/memory-storage.ts";
import { Network } from "../../support/network.ts";
import { languageFiles } from "../../support/random-models.ts";

const COPY = "copy-q4:tiny";
const files = languageFiles();

let storage: MemoryStorage;
beforeEach(() => {
  storage = MemoryStorage.install();
});
afterEach(() => vi.unstubAllGlobals());

const keep = (more: Partial<Parameters<typeof keepSmallCopy>[1]> = {}) =>
  keepSmallCopy(files, { weights: "q4", name: "tiny", ...more });

/** The files of a stored copy, as a load reads them. */
const filesOf = (source: string, names: string[]) =>
  withModel(source, {}, async (folder) => {
    const found: Record<string, Uint8Array> = {};
    for (const name of names) {
      const file = (await folder.open(name))!;
      found[name] = await file.read(0, file.byteLength);
      await file.finish?.();
    }
    return found;
  });

test.for(["q4", "q8"] as const)(
  "a copy in %s holds what npm run pack --compact writes, and loads from disk",
  async (weights) => {
    const { sink, files: wanted } = memoryFolder();
    await packModel(openFolder(files), sink, { source: "tiny", weights, compact: true });
    const result = await keep({ weights });
    expect(result).toMatchObject({ source: `copy-${weights}:tiny`, replaced: false, notes: [] });
    expect(await filesOf(result.source, Object.keys(wanted))).toEqual(wanted);
    const total = Object.values(wanted).reduce((sum, { length }) => sum + length, 0);
    expect(result.bytes).toBe(total);
    expect(result.bytes).toBeLessThan(result.originalBytes / 2);
    const { downloadBytes, totalBytes, weights: kept } = await planModel(result.source);
    expect([downloadBytes, totalBytes]).toEqual([0, total]);
    expect(kept).toMatch(weights === "q4" ? /^int4/ : /^int8/);
    expect(await storedModels()).toMatchObject([{ source: result.source, bytes: total, complete: true }]);
  },
);

test("progress ends with all tensors", async () => {
  const seen: number[][] = [];
  await keep({ onProgress: ({ tensors, ofTensors, bytes }) => seen.push([tensors, ofTensors, bytes]) });
  const [tensors, ofTensors, bytes] = seen.at(-1)!;
  expect(tensors).toBe(ofTensors);
  expect(seen.length).toBe(ofTensors);
  expect(bytes).toBeGreaterThan(seen[0]![2]!);
});

test("an abort leaves an earlier copy and nothing of the new one", async () => {
  await keep();
  const before = storage.paths();
  const stop = new AbortController();
  const made = keep({ signal: stop.signal, onProgress: ({ tensors }) => tensors === 3 && stop.abort() });
  await expect(made).rejects.toMatchObject({ code: "aborted" });
  expect(storage.paths()).toEqual(before);
  expect((await planModel(COPY)).downloadBytes).toBe(0);
});

test("a full disk leaves an earlier copy and nothing of the new one", async () => {
  await keep();
  const before = storage.paths();
  storage.quotaBytes = storage.usedBytes + 20_000;
  await expect(keep()).rejects.toThrow(`${NO_ROOM} ${COPY}: it needs`);
  // Estimates may be wrong.
  storage.claimedFreeBytes = 1e9;
  await expect(keep()).rejects.toThrow(`${NO_ROOM} ${COPY}: the browser's storage is full; nothing has changed`);
  expect(storage.paths()).toEqual(before);
  expect((await planModel(COPY)).downloadBytes).toBe(0);
});

test("a new copy takes the place of an earlier one, also after an interrupted attempt", async () => {
  await keep();
  const before = storage.paths();
  await keep();
  const after = storage.paths();
  expect(after.length).toBe(before.length);
  expect(after).not.toEqual(before);
  await keep();
  expect(storage.paths()).toEqual(before);
  expect(await storedModels()).toHaveLength(1);
});

test("a copy that is not stored, or was deleted, names its original", async () => {
  const gone = { code: "download-failed", message: expect.stringContaining(`${COPY} is not stored in this browser`) };
  await expect(filesOf(COPY, ["config.json"])).rejects.toMatchObject(gone);
  expect(await storedModels()).toEqual([]);
  await keep();
  expect(await deleteStoredModel(COPY)).toBe(true);
  await expect(planModel(COPY)).rejects.toMatchObject(gone);
  expect(storage.paths()).toEqual([]);
});

test("wrong arguments and copies of copies are refused", async () => {
  await expect(keepSmallCopy(files, { weights: "q4" })).rejects.toThrow("name is missing");
  await expect(keep({ weights: "f16" as "q4" })).rejects.toThrow(RangeError);
  await expect(keep({ replace: "yes" as unknown as boolean })).rejects.toThrow(TypeError);
  await expect(keep({ compact: true } as object)).rejects.toThrow("options.compact is not known");
  await expect(keepSmallCopy(COPY, { weights: "q8" })).rejects.toThrow("is a small copy already");
});

test("replace deletes the original once the copy is complete; then nothing is fetched", async () => {
  const network = new Network();
  network.add("https://models.test/tiny/", files as Record<string, Uint8Array<ArrayBuffer>>, "v1");
  const source = "https://models.test/tiny/";
  const stored = async () => (await storedModels()).map(({ source, complete }) => [source, complete]);
  const first = await keepSmallCopy(source, { weights: "q8" });
  expect(await stored()).toEqual([
    [source, true],
    [first.source, true],
  ]);
  // Failed attempts delete nothing.
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  await expect(
    keepSmallCopy(source, { weights: "q4", replace: true, signal: stop.signal, onProgress }),
  ).rejects.toMatchObject({ code: "aborted" });
  expect(await stored()).toHaveLength(2);
  const second = await keepSmallCopy(source, { weights: "q4", replace: true });
  expect(second).toMatchObject({ source: `copy-q4:${source}`, replaced: true });
  expect((await stored()).map(([name]) => name)).toEqual([first.source, second.source]);
  const before = network.requests.length;
  await planModel(second.source);
  expect(network.requests.length).toBe(before);
});
