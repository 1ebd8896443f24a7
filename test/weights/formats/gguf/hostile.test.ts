import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readModel } from "../../../../src/engine/read-model.ts";
import { FoveaError } from "../../../../src/errors.ts";
import { matchTensors } from "../../../../src/model/load/match.ts";
import { Tokenizer } from "../../../../src/text/tokenizer.ts";
import { openFolder } from "../../../../src/weights/folder.ts";
import { openModel } from "../../../../src/weights/formats/registry.ts";
import { dataRoot, describeShared, hasShared, needing } from "../../../support/shared.ts";

const ROOT = "golden/formats/hostile";

/** What each message must say, beside the file's name. */
const SAID: Readonly<Record<string, RegExp>> = {
  "gguf-wrong-magic": /not a GGUF file/,
  "gguf-empty": /0 bytes are too few/,
  "gguf-version-1": /GGUF version 1; versions 2 and 3 are supported/,
  "gguf-big-endian": /big-endian/,
  "gguf-kv-count-huge": /keys of metadata need at least/,
  "gguf-tensor-count-huge": /tensors need at least/,
  "gguf-string-length-huge": /"general\.description" has \d+ bytes.*longer than the file/,
  "gguf-array-length-huge": /"x\.list" has \d+ elements/,
  "gguf-array-nested-deep": /"x\.deep" is a list of lists/,
  "gguf-value-type-unknown": /value type 99 of key "x\.odd" is unknown/,
  "gguf-key-not-utf8": /key 26 of 26, at byte \d+, is not UTF-8/,
  "gguf-duplicate-key": /"llama\.block_count" stands twice/,
  "gguf-block-count-wrong-type": /llama\.block_count is a string, a number is needed/,
  "gguf-block-count-huge": /llama\.block_count is 4294967295, an integer from 1 to 512/,
  "gguf-duplicate-tensor": /"token_embd\.weight" stands twice/,
  "gguf-overlapping-tensors": /"token_embd\.weight" and "blk\.0\.attn_q\.weight" overlap/,
  "gguf-offset-beyond-end": /attn_q\.weight" lies beyond the end of the file/,
  "gguf-offset-misaligned": /attn_q\.weight" begins at the offset \d+, which is no multiple of the alignment 32/,
  "gguf-truncated": /ends at byte 22432 of 21736, 696 bytes are missing/,
  "gguf-truncated-header": /the file ends inside its metadata/,
  "gguf-n-dims-5": /attn_q\.weight" has 5 dimensions/,
  "gguf-n-dims-huge": /attn_q\.weight" has 4294967295 dimensions/,
  "gguf-dims-overflow": /attn_q\.weight" of shape .* needs .* bytes, the whole file has 24736/,
  "gguf-type-unknown": /attn_q\.weight" has the unknown type 200/,
  "gguf-type-unsupported": /type IQ1_S of tensor "blk\.0\.attn_q\.weight" is not supported; supported are F32, .*Q4_K/,
  "gguf-row-not-divisible": /attn_q\.weight": rows of 33 do not divide into blocks of 32 \(Q8_0\)/,
  "gguf-shape-wrong": /"blk\.0\.attn_k\.weight" in tiny\.gguf is \[8, 32\], expected \[16, 32\]/,
  "gguf-tensor-missing": /missing: "tiny\.gguf: blk\.0\.attn_q\.weight"/,
  "gguf-alignment-0": /general\.alignment is 0; a power of two is needed/,
  "gguf-alignment-24": /general\.alignment is 24; a power of two is needed/,
  "gguf-architecture-unknown": /architecture "mamba" is not supported; supported are llama, /,
  "gguf-architecture-missing": /general\.architecture is missing/,
  "gguf-tokens-fewer": /200 tokens for 264 rows of token_embd\.weight/,
  "gguf-token-type-fewer": /100 token types for 264 tokens/,
  "gguf-tokens-missing": /tokenizer\.ggml\.tokens is missing/,
  "gguf-token-duplicate": /token 10 is the same text as token 9/,
  "gguf-merge-unknown": /"zz qq"/,
  "gguf-pre-unknown": /tokenizer\.ggml\.pre "some-new-rule" is unknown/,
  "gguf-eos-out-of-range": /eos_token_id 100000 is beyond the vocabulary of 264 tokens/,
  "gguf-heads-not-dividing": /32 columns do not divide into 3 heads/,
  "gguf-shard-missing": /the file is part 1 of 2; part 2 is missing/,
};

/** Only a load reads values: test/weights/formats/gguf/load.gpu.test.ts. */
const NEEDS_VALUES = "gguf-scale-not-finite";

/** All that loading does before a GPU is needed. */
async function load(folder: string): Promise<number> {
  const path = `${dataRoot}/${ROOT}/${folder}`;
  const files = Object.fromEntries(
    readdirSync(path).map((name) => [name, new Uint8Array(readFileSync(`${path}/${name}`))]),
  );
  const model = await openModel(openFolder(files), {});
  const { spec, files: described } = await readModel(model.folder, {});
  const checkpoint = await model.checkpoint(described["config.json"] as Record<string, unknown>, {});
  const { parts } = matchTensors(spec, checkpoint.tensors, checkpoint);
  const json = async (name: string) => (await model.folder.json(name)) as object;
  const tokenizer = Tokenizer.parse({
    "tokenizer.json": await json("tokenizer.json"),
    "tokenizer_config.json": await json("tokenizer_config.json"),
    "generation_config.json": await json("generation_config.json"),
  });
  expect(tokenizer.vocabularySize).toBe(spec.decoder!.vocabularySize);
  return parts.length;
}

describeShared(needing("golden/formats/hostile", "hostile GGUF files"), () => {
  // A skipped suite is collected all the same.
  if (!hasShared) return test("reads ../shared", () => {});
  const { cases } = JSON.parse(readFileSync(`${dataRoot}/${ROOT}/hostile.json`, "utf8")) as {
    cases: { folder: string; report: string | null }[];
  };
  const ours = cases.filter(({ folder }) => folder.startsWith("gguf-") && folder !== NEEDS_VALUES);

  test("all of them have an expectation here", () => {
    const refused = ours.filter(({ report }) => report !== null).map(({ folder }) => folder);
    expect(refused.sort()).toEqual(Object.keys(SAID).sort());
  });

  test.for(ours.filter(({ report }) => report !== null))("$folder is refused", async ({ folder }) => {
    const error = await load(folder).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(FoveaError);
    const { message, code } = error as FoveaError;
    expect(message).toMatch(SAID[folder]!);
    expect(message).toContain("tiny");
    expect(["bad-weights", "unsupported-model"]).toContain(code);
    expect(message.length).toBeLessThan(600);
  });

  test("the control loads", async () => {
    expect(await load("gguf-control")).toBeGreaterThan(10);
  });
});
