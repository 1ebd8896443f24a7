/**
 * Added tokens: tokens with an id of their own that are cut out of the text before anything else looks at it
 * ("<s>", "<image>", "<|im_end|>"). Parses them from tokenizer.json and tokenizer_config.json and finds them in text, as
 * the reference implementation (Hugging Face's Rust library) does, `single_word` included.
 */
import { asArray, asBoolean, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import { isWhiteSpace } from "./normalizer.ts";
import { WORD } from "./regex.ts";
import { Trie } from "./trie.ts";
import { MAX_IDS, type Vocabulary } from "./vocabulary.ts";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Matches only where no word character touches it. */
  readonly singleWord: boolean;
  /** Swallows white space before it. */
  readonly lstrip: boolean;
  /** Swallows white space behind it. */
  readonly rstrip: boolean;
  /** Looked for, in normalized form, in the normalized text. */
  readonly normalized: boolean;
  /** Left out of decoded text. */
  readonly special: boolean;
}

/** Bounds the walk at each character of a text; runs of 100 spaces are the longest in use. */
const MAX_CONTENT_LENGTH = 512;

/**
 * Added tokens of both files. Where both describe a token, tokenizer_config.json's flags count, as in transformers.
 *
 * @throws FoveaError `unsupported-model` for a token with two ids, an id with two tokens, and fields of a wrong type
 */
export function parseAddedTokens(tokenizer: JsonObject, config: JsonObject, vocabulary: Vocabulary): AddedToken[] {
  const listed = asArray(tokenizer.added_tokens ?? [], "tokenizer.json: added_tokens").map((entry, i) =>
    parseAddedToken(entry, undefined, `tokenizer.json: added_tokens[${i}]`),
  );
  const where = "tokenizer_config.json: added_tokens_decoder";
  const configured = Object.entries(asObject(config.added_tokens_decoder ?? {}, where)).map(([id, entry]) =>
    parseAddedToken(entry, Number(id), `${where}[${show(id)}]`),
  );
  const tokens = new Map<string, AddedToken>();
  const contentOf = new Map<number, string>();
  for (const token of [...listed, ...configured]) {
    const { id, content } = token;
    const otherId = tokens.get(content)?.id ?? vocabulary.idOf.get(content) ?? id;
    if (otherId !== id) reject(`added token ${show(content)}`, `has two ids, ${otherId} and ${id}`);
    const other = contentOf.get(id) ?? vocabulary.tokens[id] ?? content;
    if (other !== content) reject(`id ${id}`, `is both ${show(other)} and the added token ${show(content)}`);
    contentOf.set(id, content);
    tokens.set(content, token);
  }
  return [...tokens.values()];
}

function parseAddedToken(value: unknown, keyId: number | undefined, where: string): AddedToken {
  const entry = asObject(value, where);
  const content = asString(entry.content, `${where}.content`);
  if (content === "" || content.length > MAX_CONTENT_LENGTH)
    reject(`${where}.content`, `${content.length} characters, expected 1 to ${MAX_CONTENT_LENGTH}`);
  const special = asBoolean(entry.special, `${where}.special`, false);
  return {
    id: asIndex(keyId ?? entry.id, `${where}.id`, MAX_IDS),
    content,
    singleWord: asBoolean(entry.single_word, `${where}.single_word`, false),
    lstrip: asBoolean(entry.lstrip, `${where}.lstrip`, false),
    rstrip: asBoolean(entry.rstrip, `${where}.rstrip`, false),
    normalized: asBoolean(entry.normalized, `${where}.normalized`, !special),
    special,
  };
}

const WORD_AT_START = new RegExp(`^[${WORD}]`, "u");
const WORD_AT_END = new RegExp(`[${WORD}]$`, "u");

/** Finds added tokens in text: the leftmost, of those the longest. */
export class AddedTokenMatcher {
  readonly #trie = new Trie<AddedToken>();

  /** @param patterns the text to look for, and the token that it stands for */
  constructor(patterns: Iterable<readonly [string, AddedToken]>) {
    for (const [text, token] of patterns) if (text !== "") this.#trie.add(text, token);
  }

  get isEmpty(): boolean {
    return this.#trie.size === 0;
  }

  /** Cuts `text` into ids of tokens and the text between them, none of it empty. */
  split(text: string): (number | string)[] {
    const sections: (number | string)[] = [];
    let done = 0;
    for (let i = 0; i < text.length && !this.isEmpty; ) {
      const match = this.#longestAt(text, i);
      if (!match) {
        i++;
        continue;
      }
      const { token, end } = match;
      let start = i;
      i = end;
      if (token.singleWord && touchesWord(text, start, end)) continue;
      while (token.lstrip && start > done && isWhiteSpace(text[start - 1]!)) start--;
      while (token.rstrip && i < text.length && isWhiteSpace(text[i]!)) i++;
      if (start > done) sections.push(text.slice(done, start));
      sections.push(token.id);
      done = i;
    }
    if (done < text.length) sections.push(text.slice(done));
    return sections;
  }

  /** Every place where a token that `matters` stands, overlapping ones included; `end` is exclusive. */
  occurrences(text: string, matters: (token: AddedToken) => boolean): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (let start = 0; start < text.length && !this.isEmpty; start++) {
      this.#trie.forEachPrefix(text, start, (end, token) => {
        if (matters(token)) found.push({ start, end });
      });
    }
    return found;
  }

  #longestAt(text: string, start: number): { token: AddedToken; end: number } | undefined {
    let longest: { token: AddedToken; end: number } | undefined;
    this.#trie.forEachPrefix(text, start, (end, token) => {
      longest = { token, end };
    });
    return longest;
  }
}

function touchesWord(text: string, start: number, end: number): boolean {
  // Two units are enough for the character beside the token.
  return WORD_AT_END.test(text.slice(Math.max(0, start - 2), start)) || WORD_AT_START.test(text.slice(end, end + 2));
}
