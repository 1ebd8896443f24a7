/** All readers of untrusted bytes, each with good inputs that are mutated. Node only. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lexMarkdown } from "../../src/element/markdown-lexer.ts";
import { FormatError } from "../../src/grammar/ebnf.ts";
import { schemaGrammar } from "../../src/grammar/schema-grammar.ts";
import { isCutShort } from "../../src/image/ending.ts";
import { measurePicture } from "../../src/image/measure.ts";
import { webpOrientation } from "../../src/image/webp-orientation.ts";
import { ApiError } from "../../src/openai/api-error.ts";
import { readRequest } from "../../src/openai/request.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import { checkMessages } from "../../src/text/messages.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { memorySource } from "../../src/weights/byte-source.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { parseManifest } from "../../src/weights/manifest.ts";
import { readSafetensorsHeader } from "../../src/weights/safetensors.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { describeModel } from "../support/describe-model.ts";
import type { Random } from "../support/random.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import { readPacked } from "./packed.ts";

export interface Reader {
  readonly name: string;
  /** Makes one input and reads it. */
  read(random: Random): unknown;
  /** Errors beside FoveaError that are documented. */
  readonly refusesBy?: readonly (new (
    ...args: never[]
  ) => Error)[];
}

const GOLDEN = "test/golden/families";
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const models = readdirSync(GOLDEN)
  .map((name) => join(GOLDEN, name, "model"))
  .filter((folder) => existsSync(join(folder, "config.json")));
const published = readdirSync("test/families", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith("config.json") && !/preprocessor|processor|generation|tokenizer/.test(name))
  .map((name) => join("test/families", name));

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}

function utf8(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** A file of safetensors: the header, then zeros. */
function safetensors(header: unknown, dataBytes: number): Uint8Array<ArrayBuffer> {
  const text = utf8(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  return file;
}
const HEADER = {
  __metadata__: { format: "pt" },
  a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
};
/** Of an answer, with every kind of part. */
const SCHEMA = {
  $defs: { name: { type: "string", minLength: 1, maxLength: 40 } },
  type: "object",
  properties: {
    name: { $ref: "#/$defs/name" },
    kind: { enum: ["a", 1, null, { b: [true] }] },
    size: { anyOf: [{ type: "integer", minimum: 1, maximum: 99 }, { const: "none" }] },
    day: { type: "string", format: "date" },
    code: { type: "string", pattern: "^[A-Z]{2,3}-[0-9]+$" },
    parts: { type: "array", items: { type: ["number", "boolean"] }, minItems: 1, maxItems: 4 },
    more: { type: "object", additionalProperties: { type: "string" }, patternProperties: { "^x": { type: "null" } } },
  },
  required: ["name", "kind"],
  additionalProperties: false,
};
const PART = (name: string) => ({ [name]: { dtype: "F16", shape: [4], data_offsets: [0, 8] } });
const INDEX = {
  metadata: { total_size: 16 },
  weight_map: { a: "model-1-of-2.safetensors", b: "model-2-of-2.safetensors" },
};

const configs = [...models.map((folder) => join(folder, "config.json")), ...published].map((path) => ({
  "config.json": json(path),
  ...(existsSync(join(path, "../preprocessor_config.json")) && {
    "preprocessor_config.json": json(join(path, "../preprocessor_config.json")),
  }),
}));

const tokenizers = models.map((folder) => ({
  "tokenizer.json": json(join(folder, "tokenizer.json")) as object,
  "tokenizer_config.json": json(join(folder, "tokenizer_config.json")) as object,
}));
const QUESTION = [
  { role: "user" as const, content: [{ type: "text" as const, text: "What <|im_end|> is <image> it?" }] },
];
const TEMPLATES = [
  "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for p in m['content'] %}{{ p['text'] if p['type'] == 'text' else '<image>' }}{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  "{%- set ns = namespace(n=0) -%}{%- macro text(m) -%}{{ m.content | trim | replace('a', 'b') }}{%- endmacro -%}{% for m in messages[0:] if loop.index0 >= 0 %}{% set ns.n = ns.n + 1 %}{{ text(m) ~ range(3)|list|tojson ~ loop.length }}{% endfor %}{{ raise_exception('no') if ns.n > 99 }}",
];

const REQUEST = {
  ...{ model: "m", max_tokens: 5, temperature: 0.5, stop: ["a", "b"], seed: 1, stream: true, logit_bias: {} },
  messages: [
    { role: "system", content: "s" },
    {
      role: "user",
      content: [
        { type: "text", text: "t" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
      ],
    },
    { role: "assistant", content: "a", refusal: null },
    { role: "user", content: "q" },
  ],
  fovea: { compression: { method: "vmtc", ratio: 0.5 } },
};

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const PICTURES = [
  ascii(`\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10${"\0".repeat(40)}IEND`),
  ascii(
    `\xff\xd8\xff\xe1\0\x10Exif\0\0MM\0*\0\0\0\x08\xff\xc0\0\x11\x08\0\x10\0\x10${"\0".repeat(30)}\xff\xda\0\x02\xff\xd9`,
  ),
  ascii(
    `RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x0f\0\0\x1f\0\0EXIF\x10\0\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01`,
  ),
  ascii(`....ftypavif....\0\0\0\x14ispe\0\0\0\0\0\0\0\x10\0\0\0\x10${"\0".repeat(60)}`),
  ascii(`GIF89a\x10\0\x10\0${"\0".repeat(20)}`),
  ascii(`BM${"\0".repeat(12)}\x28\0\0\0\x10\0\0\0\x10\0\0\0${"\0".repeat(20)}`),
];

/** An answer to a request for a range, as headers say it. */
const ANSWER = {
  status: 206,
  headers: {
    "Content-Range": "bytes 0-999/1000",
    "Content-Length": "1000",
    "Content-Type": "application/octet-stream",
    "Content-Encoding": "identity",
    ETag: '"1"',
    "Retry-After": "1",
  },
  bytes: 1000,
};

async function readAnswers(random: Random): Promise<void> {
  const { fetch } = globalThis;
  globalThis.fetch = async () => {
    const { status, headers, bytes } = (random.uniform() < 0.3 ? ANSWER : mutateJson(random, ANSWER)) as typeof ANSWER;
    const good = [200, 206, 206, 206, 404, 416, 429, 500];
    const body = new Uint8Array(Number.isInteger(bytes) && bytes >= 0 && bytes < 1e6 ? bytes : 10);
    const entries = typeof headers === "object" && headers ? Object.entries(headers) : [];
    // Values that a browser would not let through.
    const sent = entries.filter(([, value]) => typeof value === "string" && /^[\x20-\x7e]*$/.test(value));
    return new Response(body, {
      status: status === 206 ? 206 : pick(random, good),
      headers: sent as [string, string][],
    });
  };
  try {
    const retry = { attempts: 2, firstDelayMs: 0, maxDelayMs: 0, stallMs: 1000 };
    const source = await openUrl(new URL("http://models.test/f?secret"), "f", { retry });
    if (source) await source.read(0, Math.min(source.byteLength, 5000));
  } finally {
    globalThis.fetch = fetch;
  }
}

async function readPicture(random: Random): Promise<void> {
  const file = new Blob([mutateBytes(random, pick(random, PICTURES))]);
  const header = await measurePicture("p", file);
  if (header) await isCutShort(header.format, file);
  await webpOrientation(file);
}

function readConfig(random: Random): void {
  const files = Object.entries(pick(random, configs));
  describeModel(
    Object.fromEntries(files.map(([name, file]) => [name, random.uniform() < 0.6 ? mutateJson(random, file) : file])),
  );
}

async function readIndex(random: Random): Promise<void> {
  const index = mutateJson(random, INDEX);
  await openCheckpoint(
    openFolder({
      "model.safetensors.index.json": random.uniform() < 0.2 ? mutateBytes(random, utf8(index)) : utf8(index),
      "model-1-of-2.safetensors": safetensors(random.uniform() < 0.7 ? PART("a") : mutateJson(random, PART("a")), 8),
      "model-2-of-2.safetensors": safetensors(PART("b"), 8),
    }),
  );
}

const tokenizer = Tokenizer.parse(tokenizers[0]!);

export const READERS: readonly Reader[] = [
  {
    name: "safetensors",
    read(random) {
      const file = safetensors(random.uniform() < 0.6 ? mutateJson(random, HEADER) : HEADER, 32);
      return readSafetensorsHeader(memorySource("f", random.uniform() < 0.5 ? mutateBytes(random, file) : file));
    },
  },
  { name: "configs", read: readConfig },
  { name: "indexes", read: readIndex },
  { name: "packed weights", read: readPacked },
  { name: "manifests", read: (random) => parseManifest(mutateJson(random, json("weights-manifest.json"))) },
  {
    name: "templates",
    read(random) {
      const template = mutateText(random, pick(random, TEMPLATES), 3000);
      ChatTemplate.parse({ ...tokenizers[0]!, "chat_template.jinja": template }, tokenizer).render(
        checkMessages(QUESTION),
        true,
      );
    },
    // The template's own refusal of a conversation.
    refusesBy: [RangeError],
  },
  {
    name: "tokenizers",
    read(random) {
      const files = mutateJson(random, pick(random, tokenizers)) as (typeof tokenizers)[0];
      const parsed = Tokenizer.parse(files);
      parsed.decode(parsed.encode("What is <image> it?\n  déjà vu 12345 </s>"));
    },
  },
  { name: "pictures", read: readPicture },
  { name: "schemas", read: (random) => schemaGrammar(mutateJson(random, SCHEMA)), refusesBy: [FormatError] },
  { name: "requests", read: (random) => readRequest(mutateJson(random, REQUEST)), refusesBy: [ApiError] },
  {
    name: "Markdown",
    read(random) {
      lexMarkdown(mutateText(random, readFileSync("README.md", "utf8").slice(random.integer(0, 3000)).slice(0, 2000)));
    },
  },
  { name: "range answers", read: readAnswers },
];
