/**
 * Added tokens: tokens with an id of their own that are cut out of the text before anything else looks at it ("<s>",
 * "<image>", "<|im_end|>"). Collects them from the files that name them and checks them; the library finds them in text.
 */
import { asArray, asBoolean, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import { companion, namedSpecialTokens, type TokenizerFiles } from "./special-tokens.ts";
import { MAX_IDS, type Vocabulary } from "./vocabulary.ts";

/** With the field names of tokenizer.json, as the library reads them. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  /** Swallows white space before it. */
  readonly lstrip: boolean;
  /** Swallows white space after it. */
  readonly rstrip: boolean;
  /** Looked for, in normalized form, in the normalized text. */
  readonly normalized: boolean;
  /** Left out of decoded text. */
  readonly special: boolean;
}

/** Bounds what looking for tokens costs; runs of 100 spaces are the longest in use. */
const MAX_CONTENT_LENGTH = 512;

/**
 * Added tokens of tokenizer.json and tokenizer_config.json. Where both describe a token, the latter's flags count, as in
 * transformers. Tokens that any file names as special are special and cut out of text, even where tokenizer.json does
 * not say so.
 *
 * @throws FoveaError `unsupported-model` for a token with two ids, an id with two tokens, and fields of a wrong type
 */
export function parseAddedTokens(json: JsonObject, files: TokenizerFiles, { idOf, tokens }: Vocabulary): AddedToken[] {
  const listed = asArray(json.added_tokens ?? [], "tokenizer.json: added_tokens").map((entry, i) =>
    parseAddedToken(entry, undefined, `tokenizer.json: added_tokens[${i}]`),
  );
  const where = "tokenizer_config.json: added_tokens_decoder";
  const decoder = asObject(companion(files, "tokenizer_config.json").added_tokens_decoder ?? {}, where);
  const configured = Object.entries(decoder).map(([id, entry]) =>
    parseAddedToken(entry, Number(id), `${where}[${show(id)}]`),
  );
  const added = new Map<string, AddedToken>();
  const contentOf = new Map<number, string>();
  for (const token of [...listed, ...configured]) {
    const { id, content } = token;
    const otherId = added.get(content)?.id ?? idOf.get(content) ?? id;
    if (otherId !== id) reject(`added token ${show(content)}`, `has two ids, ${otherId} and ${id}`);
    const other = contentOf.get(id) ?? tokens[id] ?? content;
    if (other !== content) reject(`id ${id}`, `is both ${show(other)} and the added token ${show(content)}`);
    contentOf.set(id, content);
    added.set(content, token);
  }
  for (const content of namedSpecialTokens(files)) {
    const known = added.get(content);
    const id = idOf.get(content);
    if (known) added.set(content, { ...known, special: true });
    else if (id !== undefined) added.set(content, controlToken(id, content));
  }
  return [...added.values()];
}

function parseAddedToken(value: unknown, keyId: number | undefined, where: string): AddedToken {
  const entry = asObject(value, where);
  const content = checkContent(entry.content, `${where}.content`);
  const flag = (name: string, fallback = false) => asBoolean(entry[name], `${where}.${name}`, fallback);
  const special = flag("special");
  return {
    id: asIndex(keyId ?? entry.id, `${where}.id`, MAX_IDS),
    content,
    single_word: flag("single_word"),
    lstrip: flag("lstrip"),
    rstrip: flag("rstrip"),
    normalized: flag("normalized", !special),
    special,
  };
}

/** Returns a token's text, checked; also for text that is searched as tokens are. */
export function checkContent(value: unknown, where: string): string {
  const content = asString(value, where);
  if (content === "" || content.length > MAX_CONTENT_LENGTH)
    reject(where, `${content.length} characters, expected 1 to ${MAX_CONTENT_LENGTH}`);
  return content;
}

/** The files' names of the token for one row of a picture. */
export interface ImageTokenNames {
  /** From config.json. */
  id?: number | undefined;
  /** Must be the text of `id`. */
  text?: string | undefined;
  /** Text for a token that the tokenizer lacks; unlike `text` it may be wrong. */
  fallback: string;
}

/**
 * Finds the image token among the added tokens, or adds it to them.
 *
 * @throws FoveaError `unsupported-model` where id and text name two tokens, or the text alone names none
 */
export function findImageToken(added: AddedToken[], names: ImageTokenNames, { idOf, tokens }: Vocabulary): AddedToken {
  const { text, fallback } = names;
  const idOfText = (content: string) => added.find((token) => token.content === content)?.id ?? idOf.get(content);
  const id = names.id ?? (text === undefined ? undefined : idOfText(text));
  if (id === undefined)
    reject("tokenizer.json", `it lacks the image token ${show(text)}, and config.json gives no id for it`);
  asIndex(id, "config.json: the image token's id", MAX_IDS);
  const known = added.find((token) => token.id === id);
  const content = known?.content ?? tokens[id] ?? checkContent(text ?? fallback, "the image token");
  if (text !== undefined && content !== text)
    reject("config.json", `the image token's id ${id} is ${show(content)} in the tokenizer, not ${show(text)}`);
  const other = idOfText(content) ?? id;
  if (other !== id)
    reject(
      "config.json",
      `the image token has the id ${id}, but ${show(content)} has the id ${other} in the tokenizer`,
    );
  if (known) return known;
  const token = controlToken(id, content);
  added.push(token);
  return token;
}

/** Adds control tokens that no file lists. Skips tokens that the vocabulary lacks. */
export function addControlTokens(added: AddedToken[], contents: Iterable<string>, { idOf }: Vocabulary): void {
  for (const content of contents) {
    const id = idOf.get(content);
    if (id !== undefined && !added.some((token) => token.id === id)) added.push(controlToken(id, content));
  }
}

function controlToken(id: number, content: string): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/**
 * True for control tokens, as opposed to words added to the vocabulary: special tokens, and tokens that look like
 * markup ("<tool_call>", "[INST]"), except bytes ("<0x0A>").
 */
export function isControl({ content, special }: AddedToken): boolean {
  return content.length > 1 && (special || /^(<(?!0x).*>|\[.*\])$/s.test(content));
}
