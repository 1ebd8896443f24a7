/**
 * Ids and texts of Hugging Face's own library (Rust, the PyPI package `tokenizers` 0.23.3) for 2,000 texts of all scripts,
 * in every kind of tokenizer that published models have. encodings/make.py made the files.
 */
import { readdirSync, readFileSync } from "node:fs";
import { crc32, gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { projectRoot } from "../support/command.ts";

const folder = `${projectRoot}/test/text/encodings`;

function read<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(`${folder}/${name}.json.gz`)).toString()) as T;
}

interface Reference {
  tokenizer: object;
  /** CRC-32 of each text's ids, as "1,2,3", and of what they decode to; base64 of u32. */
  ids: string;
  texts: string;
}

function checksums(base64: string): Uint32Array {
  const bytes = Buffer.from(base64, "base64");
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
}

const texts = read<string[]>("texts");
const names = readdirSync(folder).flatMap((file) => /^(?!texts)(.*)\.json\.gz$/.exec(file)?.[1] ?? []);

it("has texts and tokenizers", () => {
  expect(texts).toHaveLength(2000);
  expect(names.length).toBeGreaterThan(30);
});

it.each(names)("%s", (name) => {
  const reference = read<Reference>(name);
  const tokenizer = Tokenizer.parse({ "tokenizer.json": reference.tokenizer });
  const [ids, decoded] = [checksums(reference.ids), checksums(reference.texts)];
  expect(ids).toHaveLength(texts.length);
  expect(decoded.length).toBe(name === "llama2-added" ? 0 : texts.length);
  const differences: object[] = [];
  for (const [i, text] of texts.entries()) {
    const own = tokenizer.encode(text);
    if (crc32(own.join(",")) !== ids[i])
      differences.push({ i, text, own, tokens: own.map((id) => tokenizer.token(id)) });
    else if (i < decoded.length && crc32(tokenizer.decode(own, { skipSpecialTokens: false })) !== decoded[i])
      differences.push({ i, text, decoded: tokenizer.decode(own, { skipSpecialTokens: false }) });
  }
  expect(differences.length, JSON.stringify(differences.slice(0, 3))).toBe(0);
});
