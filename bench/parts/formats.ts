/**
 * Answers with a format against free answers, at a vocabulary of 50,000 tokens: time of a token, of the first use and
 * of a schema.
 */
import type { AnswerFormat, GenerateRequest, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { safetensorsFile } from "../../test/weights/safetensors-file.ts";
import { median } from "./measure.ts";
import { LLAMA_20M, ownTensors, tensorValues } from "./models.ts";
import type { Part } from "./part.ts";
import type { Figure, SizeName } from "./result.ts";

const VOCABULARY: Record<SizeName, number> = { tiny: 2000, small: 50_000, large: 50_000 };
const ROUNDS: Record<SizeName, number> = { tiny: 1, small: 5, large: 9 };
const NEW_TOKENS = 48;
/** A typical request: words, a number, a list. */
const FORMAT: AnswerFormat = {
  type: "json-schema",
  schema: {
    type: "object",
    properties: {
      title: { type: "string" },
      count: { type: "integer" },
      labels: { type: "array", items: { type: "string" } },
    },
    required: ["title", "count", "labels"],
  },
};

/** Bytes, and words of two to seven letters. There are no merges, so that a prompt is its bytes. */
function vocabularyOf(size: number): Record<string, number> {
  // The 256 characters by which byte-level tokenizers write bytes.
  const isPlain = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  const ids = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPlain(byte) ? byte : next++));
  const words = new Set(ids);
  for (let n = 0; words.size < size - 1; n++) {
    let word = n % 2 === 0 ? "Ġ" : "";
    for (let rest = n + 26; rest > 0; rest = Math.floor(rest / 26)) word += String.fromCharCode(97 + (rest % 26));
    words.add(word);
  }
  return Object.fromEntries([...words, "</s>"].map((word, id) => [word, id]));
}

function modelOf(size: number): ModelFiles {
  const vocab = vocabularyOf(size);
  const end = size - 1;
  const config = { ...LLAMA_20M, vocab_size: size, hidden_size: 256, intermediate_size: 704, eos_token_id: end };
  const tensors = ownTensors(describeModel({ "config.json": config })).tensors.flatMap(({ name: ours, parts }) =>
    parts.map(({ names, shape }) => {
      // Values depend on the name, such as "encoder.positions"; parts of one tensor get values of their own.
      const values = tensorValues({ name: parts.length === 1 ? ours : names[0]!, shape });
      return { name: names[0]!, dtype: "F32", shape: [...shape], bytes: new Uint8Array(values.buffer) };
    }),
  );
  const tokenizer = {
    version: "1.0",
    added_tokens: [
      { id: end, content: "</s>", special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges: [] },
  };
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  return {
    "config.json": json(config),
    "tokenizer.json": json(tokenizer),
    "tokenizer_config.json": json({ eos_token: "</s>", chat_template: "{{ messages[0].content }}" }),
    "model.safetensors": safetensorsFile(tensors),
  };
}

export const formats: Part = async ({ size, progress }) => {
  progress(`formats: a model with ${VOCABULARY[size]} tokens`);
  const model = await Fovea.load(modelOf(VOCABULARY[size]), { weights: "q8", maxContext: 256 });
  const ask = async (seed: number, request: Partial<GenerateRequest>) => {
    const start = performance.now();
    const settings = { maxTokens: NEW_TOKENS, temperature: 1, seed, ...request };
    const answer = model.generate({ messages: [{ role: "user", content: "Tell me about rivers." }], ...settings });
    await answer.text();
    return { rate: answer.stats!.tokensPerSecond, ms: performance.now() - start };
  };
  try {
    await ask(0, {});
    const first = await ask(0, { format: FORMAT });
    const schema = await ask(0, { format: { type: "json-schema", schema: { ...FORMAT.schema, $comment: "another" } } });
    const rates = { free: [] as number[], constrained: [] as number[] };
    for (let round = 1; round <= ROUNDS[size]; round++) {
      progress(`formats: round ${round}`);
      rates.free.push((await ask(round, {})).rate);
      rates.constrained.push((await ask(round, { format: FORMAT })).rate);
    }
    const shares = rates.free.map((free, i) => (100 * rates.constrained[i]!) / free);
    return figuresOf(median(rates.free), median(shares), first.ms, schema.ms);
  } finally {
    model.dispose();
  }
};

function figuresOf(free: number, share: number, firstMs: number, schemaMs: number): Figure[] {
  return [
    { id: "formats.free", what: "free decoding", value: free, unit: "tokens/s" },
    { id: "formats.share", what: "constrained decoding, share of free decoding", value: share, unit: "%" },
    {
      id: "formats.first",
      what: "first answer in a form: the library, the vocabulary and the answer",
      value: firstMs,
      unit: "ms",
    },
    {
      id: "formats.schema",
      what: "first answer in another form: its grammar and the answer",
      value: schemaMs,
      unit: "ms",
    },
  ];
}
