/**
 * A tokenizer of a given size whose text shows ids. It has bytes, a few words, so that prompts are about as long as
 * with a real one, and for every other id N the text "nN ". An answer of a random model can be read as ids by `idsOf`.
 */
import { byteCharacters } from "../byte-characters.ts";

/** Words of prompts and questions; each is one token, and so is each of its beginnings. */
const WORDS =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite " +
  "answers to the user's questions. USER: ASSISTANT: What is in this picture? Describe the image.";

export interface TokenizerShape {
  /** Ids below this one have a token. */
  size: number;
  /** Text -> id. BOS is put before a text if it is among them as "<s>". */
  special: Readonly<Record<string, number>>;
  /** Words that are one token, as are their beginnings; without it, those of prompts and questions. */
  words?: string;
}

/** The text of tokenizer.json. */
export function tokenizerJson({ size, special, words = WORDS }: TokenizerShape): string {
  const bytes = byteCharacters();
  const space = bytes[32]!;
  const tokens = new Map<string, number>(Object.entries(special));
  const taken = new Set(Object.values(special));
  let next = 0;
  const add = (token: string) => {
    while (taken.has(next)) next++;
    tokens.set(token, next++);
  };
  for (const character of bytes) add(character);
  const merges: string[] = [];
  for (const word of new Set(words.match(/ ?[A-Za-z]+/g))) {
    const text = word.replace(" ", space);
    for (let length = 2; length <= text.length; length++) {
      const token = text.slice(0, length);
      if (tokens.has(token)) continue;
      add(token);
      merges.push(`${text.slice(0, length - 1)} ${text[length - 1]}`);
    }
  }
  for (; next < size; next++) if (!taken.has(next)) tokens.set(`n${next}${space}`, next);
  const hasBos = "<s>" in special;
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const bos = { "<s>": { id: "<s>", ids: [special["<s>"]], tokens: ["<s>"] } };
  return JSON.stringify({
    version: "1.0",
    added_tokens: Object.entries(special).map(([content, id]) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: hasBos
      ? {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
          pair: [],
          special_tokens: bos,
        }
      : null,
    decoder: byteLevel,
    model: { type: "BPE", vocab: Object.fromEntries(tokens), merges, unk_token: null },
  });
}

/** The ids that an answer's text names; those of bytes and words are left out. */
export function idsOf(text: string): number[] {
  return [...text.matchAll(/n(\d+) /g)].map(([, id]) => Number(id));
}
