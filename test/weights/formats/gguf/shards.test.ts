/** A GGUF file in two parts: their tensors are one table, of as many tensors as the first part says. */
import { expect, test } from "vitest";
import { openFolder } from "../../../../src/weights/folder.ts";
import { readGguf } from "../../../../src/weights/formats/gguf/container.ts";
import { openShards } from "../../../../src/weights/formats/gguf/shards.ts";
import { writeGguf } from "../../../support/gguf-file.ts";

const NAMES = ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"] as const;
const tensor = { shape: [2], bytes: new Uint8Array(8) };

async function open(total: number, tensors: readonly [string, string]) {
  const parts = tensors.map((name, no) => {
    const metadata = { "general.architecture": "llama", "split.no": no, "split.count": 2 };
    return writeGguf({ ...metadata, ...(no === 0 && { "split.tensors.count": total }) }, { [name]: tensor });
  });
  const folder = openFolder({ [NAMES[0]]: parts[0]!, [NAMES[1]]: parts[1]! });
  const source = (await folder.open(NAMES[0]))!;
  return openShards(folder, source, await readGguf(source), {});
}

test("the tensors of all parts are there", async () => {
  const { tensors, sources } = await open(2, ["x", "y"]);
  expect([...tensors.keys()]).toEqual(["x", "y"]);
  expect(sources.map(({ name }) => name)).toEqual(NAMES);
});

test("too few, too many, and the same one twice are refused", async () => {
  for (const total of [1, 3])
    await expect(open(total, ["x", "y"])).rejects.toThrow(`hold 2 tensors, split.tensors.count is ${total}`);
  await expect(open(2, ["x", "x"])).rejects.toThrow('tensor "x" stands in another part, too');
});
