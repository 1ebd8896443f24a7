/** Files of one model that are opened at once, in a real browser's private file system. What becomes of each: open-model. */
import { afterEach, expect, test, vi } from "vitest";
import type { ModelFolder } from "../../src/weights/folder.ts";
import { withModel } from "../../src/weights/open-model.ts";
import { deleteStoredModel, storedModels } from "../../src/weights/storage.ts";
import { Network } from "../support/network.ts";
import { patternBytes } from "./safetensors-file.ts";

const SOURCE = "https://models.test/shards/";
const shard = patternBytes(100_000);
const names = Array.from({ length: 12 }, (_, i) => `shard-${i}.safetensors`);

afterEach(async () => {
  vi.unstubAllGlobals();
  await deleteStoredModel(SOURCE);
});

test("every one of them is kept", async () => {
  const network = new Network();
  network.add(SOURCE, Object.fromEntries(names.map((name) => [name, shard])), "v1");
  const readOne = async (folder: ModelFolder, name: string) => {
    const file = (await folder.open(name))!;
    await file.read(0, 8);
    await file.finish?.();
  };
  await withModel(SOURCE, { partBytes: 16384 }, (folder) => Promise.all(names.map((name) => readOne(folder, name))));
  // Other tests may have left models of theirs.
  const stored = (await storedModels()).find(({ source }) => source === SOURCE);
  expect(stored!.files).toHaveLength(names.length);
  expect(stored).toMatchObject({ complete: true, bytes: names.length * shard.length });
});
