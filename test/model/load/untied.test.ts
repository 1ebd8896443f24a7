/** Heads that a config ties to the embeddings although the file has another one. */
import { expect, test } from "vitest";
import { matchCheckpoint } from "../../../src/model/load/untied.ts";
import type { ModelSpec } from "../../../src/spec/model-spec.ts";
import { memorySource } from "../../../src/weights/byte-source.ts";
import { describeModel } from "../../support/describe-model.ts";
import { smallLlava, smallLlavaTensors } from "../../support/small-models.ts";
import { entriesOf, type NamedShape, tensorsOf } from "../../support/tensor-list.ts";

const EMBED = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";
// Larger than all samples together.
const ROWS = 2048;
const WIDTH = 128;
const BYTES = 2 * ROWS * WIDTH;

const { tensors } = describeModel({
  "config.json": { model_type: "llama", vocab_size: ROWS, hidden_size: WIDTH, tie_word_embeddings: true },
});
const spec: ModelSpec = {
  family: "test",
  connector: [],
  tensors: tensors.filter(({ name }) => /^decoder\.(embed|head)$/.test(name)),
  ignores: () => false,
};

interface Changes {
  /** Bytes of the head that are not those of the embeddings. */
  at?: number[];
  headRows?: number;
  dtype?: string;
  seekable?: boolean;
}

async function headOf({ at = [], headRows = ROWS, dtype = "F16", seekable = true }: Changes): Promise<string> {
  const shapes: NamedShape[] = [
    [EMBED, [ROWS, WIDTH]],
    [HEAD, [headRows, WIDTH]],
  ];
  const entries = entriesOf(shapes);
  const head = entries.get(HEAD)!;
  entries.set(HEAD, { ...head, encoding: { id: dtype, dtype } as typeof head.encoding });
  const bytes = new Uint8Array(head.planes[0]!.end);
  for (const place of at) bytes[BYTES + place]!++;
  const file = { ...memorySource("model.safetensors", bytes), seekable };
  const checkpoint = { tensors: entries, files: new Map([[file.name, file]]), byteLength: bytes.length };
  const { aliases, parts } = await matchCheckpoint(spec, checkpoint, {});
  expect(aliases.size + parts.length).toBe(2);
  return aliases.get("decoder.head") ?? parts.find(({ tensor }) => tensor.name === "decoder.head")!.entry.name;
}

test.each<[string, Changes, string]>([
  ["the same values", {}, "decoder.embed"],
  ["other values in its first row", { at: [5] }, HEAD],
  ["other values in its middle", { at: [BYTES / 2 + 5] }, HEAD],
  ["other values in its last row", { at: [BYTES - 1] }, HEAD],
  ["another number of rows", { at: [5], headRows: ROWS + 8 }, "decoder.embed"],
  ["another type", { dtype: "BF16" }, HEAD],
  ["values that cannot be compared without fetching the whole file", { seekable: false }, HEAD],
])("a tied head with %s", async (_, changes, name) => {
  expect(await headOf(changes)).toBe(name);
});

test("every family's tied head names the matrix that a file may have", () => {
  const tied = describeModel({ "config.json": { ...smallLlava, tie_word_embeddings: true } });
  const head = tied.tensors.find(({ name }) => name === "decoder.head")!;
  const stored = tensorsOf(smallLlavaTensors).map(([name]) => name);
  expect(head.parts).toEqual([]);
  expect(head.ifDifferent!.flatMap(({ names }) => names).filter((name) => stored.includes(name))).toHaveLength(1);
});
