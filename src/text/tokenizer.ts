/**
 * Encodes and decodes text by the files of a Hugging Face checkpoint. @huggingface/tokenizers does both; this file
 * checks the input, keeps users' text from becoming special tokens, and finds the begin and end ids.
 */
import type { Tokenizer as Library } from "@huggingface/tokenizers";
import { type AddedToken, addControlTokens, checkContent, findImageToken, parseAddedTokens } from "./added-tokens.ts";
import { asObject, parseJsonFile, reject, show } from "./json.ts";
import { buildLibrary, type Encoder } from "./library.ts";
import { escapeMarks, LiteralText, unmark } from "./literal.ts";
import { configuredIds, imageTokenText, roleToken, type TokenizerFiles } from "./special-tokens.ts";
import { StandIns } from "./stand-ins.ts";
import type { DecodeOptions } from "./stream-decoder.ts";
import { type TokenBytes, tokenBytesOf } from "./token-bytes.ts";
import { parseModel, type Vocabulary } from "./vocabulary.ts";

/**
 * Longest prompt, in characters: eight for each of 32,768 tokens. That takes about a second; a single word of this
 * length, the worst case, 15 s on a slow machine.
 */
const MAX_TEXT_LENGTH = 2 ** 18;

/** For a model that reads pictures at least one of the first two. */
export interface TokenizerOptions {
  /** Id of the token for one row of a picture, from config.json. A tokenizer without this id gets an added token. */
  imageTokenId?: number | undefined;
  /**
   * Text of that token. Default: the text of `imageTokenId`, or for an id that the tokenizer lacks `image_token` of
   * tokenizer_config.json or processor_config.json, else "<image>".
   */
  imageToken?: string | undefined;
  /** Text that the chat template writes for a whole picture; default: the token's text. */
  templatePlaceholder?: string | undefined;
  /** Texts of control tokens that no file lists. */
  controlTokens?: readonly string[] | undefined;
  /** Texts of tokens that end an answer, besides those in the files. */
  endTokens?: readonly string[] | undefined;
}

export interface ImageToken {
  readonly id: number;
  readonly text: string;
  /** Text that the chat template writes for a whole picture. It need not be a token. */
  readonly inTemplate: string;
}

export interface EncodeOptions {
  /** Add the post-processor's tokens, such as BOS; default true. */
  addSpecialTokens?: boolean;
  /** Adds the prefix even to a prompt that begins with it; for `encodePrompt` only. */
  repeatsPrefix?: boolean | undefined;
  /** Truncates a longer text before the post-processor's last tokens to this many ids; for `encode` only. */
  maxTokens?: number;
}

/** The tokenizer of one checkpoint. */
export class Tokenizer {
  /** Highest id + 1; ids below it may be missing. */
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  /** The token for one row of a picture; undefined for a text model. */
  readonly imageToken: ImageToken | undefined;
  /** Finds control tokens that a chat template creates from text. */
  readonly standIns: StandIns;

  readonly #library: Library;
  readonly #encoder: Encoder;
  readonly #added: ReadonlyMap<string, AddedToken>;
  readonly #special: ReadonlySet<number>;
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];
  readonly #literal: LiteralText;
  readonly #bytesOf: TokenBytes | undefined;
  readonly #eosIds: number[];

  /**
   * @param files the files on the hub, by name
   * @throws FoveaError `unsupported-model` with file and field, for damaged files and unsupported kinds of tokenizer
   */
  static parse(files: TokenizerFiles, options: TokenizerOptions = {}): Tokenizer {
    return new Tokenizer(files, options);
  }

  private constructor(files: TokenizerFiles, options: TokenizerOptions) {
    const json = parseJsonFile("tokenizer.json", files["tokenizer.json"]);
    const { model, vocabulary } = parseModel(asObject(json.model, "tokenizer.json: model"));
    const added = parseAddedTokens(json, files, vocabulary);
    addControlTokens(added, options.controlTokens ?? [], vocabulary);
    this.imageToken = imageTokenOf(files, options, added, vocabulary);
    const { library, encoder, affixes } = buildLibrary(json, model, added);
    this.#library = library;
    this.#bytesOf = tokenBytesOf(json);
    this.#encoder = encoder;
    this.vocabularySize = library.model?.vocab.length ?? 0;
    this.#added = new Map(added.map((token) => [token.content, token]));
    this.#special = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    this.#literal = new LiteralText(added, encoder.normalize, this.imageToken?.inTemplate);
    this.standIns = new StandIns(added, encoder.normalize, this.imageToken?.inTemplate);
    const affixId = (token: string) =>
      this.tokenId(token) ?? reject("tokenizer.json: post_processor", `${show(token)} is not in the vocabulary`);
    this.#prefix = affixes.prefix.map(affixId);
    this.#suffix = affixes.suffix.map(affixId);

    this.bosId = [this.tokenId(roleToken(files, "bos_token") ?? ""), ...configuredIds(files, "bos_token_id")].find(
      (id) => id !== undefined && this.hasId(id),
    );
    const ends = [...configuredIds(files, "eos_token_id"), this.tokenId(roleToken(files, "eos_token") ?? "")];
    for (const token of options.endTokens ?? []) ends.push(this.tokenId(token));
    this.#eosIds = [...new Set(ends.filter((id) => id !== undefined && this.hasId(id)) as number[])];
    const image = this.imageToken;
    if (image && this.eosIds.includes(image.id))
      reject("config.json", `the image token's id ${image.id} is the end token ${show(image.text)} of the tokenizer`);
  }

  /**
   * Ids that end an answer. First those of generation_config.json, else of config.json, else of its text_config. Then
   * the eos_token of tokenizer_config.json or special_tokens_map.json, often the only file that names the end of a turn
   * in chat models. Then `endTokens`, and the token of `endAt`. Ids unknown to the tokenizer are left out.
   */
  get eosIds(): readonly number[] {
    return this.#eosIds;
  }

  /**
   * Ends answers also at the special token that the text begins with, if there is one. Some models name the end of a
   * turn in their chat template alone.
   *
   * @param text what a chat template writes after an answer
   */
  endAt(text: string): void {
    const rest = text.trimStart();
    const begun = [...this.#added.values()].filter(({ special, content }) => special && rest.startsWith(content));
    const [longest] = begun.sort((a, b) => b.content.length - a.content.length);
    const { id } = longest ?? {};
    // A template without an end may begin every turn with BOS.
    if (id === undefined || id === this.bosId || id === this.imageToken?.id || this.#eosIds.includes(id)) return;
    this.#eosIds.push(id);
  }

  /**
   * Ids of a text with special tokens recognised ("<s>" is one id). Not for users' text: see `literal`.
   *
   * @throws RangeError for a text of more than 262144 characters
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids = this.#encode([escapeMarks(text)]);
    const [prefix, suffix] = options.addSpecialTokens === false ? [[], []] : [this.#prefix, this.#suffix];
    const most = (options.maxTokens ?? Number.POSITIVE_INFINITY) - prefix.length - suffix.length;
    return [...prefix, ...ids.slice(0, Math.max(0, most)), ...suffix];
  }

  /**
   * Ids of a prompt: text, with users' parts marked by `literal`, and ids between. With special tokens, adds the
   * post-processor's prefix unless the prompt already begins with it (templates often write BOS themselves). Leaves out
   * its suffix, because an end token would end the text that the answer continues.
   *
   * @throws RangeError for a prompt of more than 262144 characters
   */
  encodePrompt(pieces: readonly (string | number)[], options: EncodeOptions = {}): number[] {
    const ids = this.#encode(pieces);
    const hasPrefix = !options.repeatsPrefix && this.#prefix.every((id, i) => ids[i] === id);
    return options.addSpecialTokens === false || hasPrefix ? ids : [...this.#prefix, ...ids];
  }

  /**
   * Text that stays text inside a prompt: marks control tokens in it, so that `encodePrompt` does not read them as tokens.
   * Returns harmless text unchanged.
   *
   * @param isAnswer the text is the model's answer, which may contain tokens that are not special ("</think>")
   */
  literal(text: string, isAnswer = false): string {
    return this.#literal.mark(text, isAnswer);
  }

  /** Text of ids; ignores unknown ids. */
  decode(ids: Iterable<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    const known = Array.from(ids).filter((id) => this.hasId(id) && !(skipSpecialTokens && this.isSpecial(id)));
    // The library throws for an empty list.
    return known.length === 0 ? "" : this.#library.decode(known);
  }

  tokenId(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.#library.token_to_id(token);
  }

  token(id: number): string | undefined {
    return this.#library.id_to_token(id);
  }

  /** True if `bytes` is known: not for tokenizers whose tokens depend on their neighbours, such as WordPiece. */
  get hasBytes(): boolean {
    return this.#bytesOf !== undefined;
  }

  /** Bytes that a token adds to a text at any place; for added tokens those of their name. Empty for unknown ids. */
  bytes(id: number): Uint8Array {
    const token = this.token(id);
    if (token === undefined) return new Uint8Array();
    return this.#bytesOf && !this.#added.has(token) ? this.#bytesOf(token) : new TextEncoder().encode(token);
  }

  /** True if the id is a token without text: a special token, an end token, the picture's token. */
  isControl(id: number): boolean {
    return this.isSpecial(id) || this.eosIds.includes(id) || id === this.imageToken?.id;
  }

  /** True if the tokenizer has this id; only such ids may be sampled. */
  hasId(id: number): boolean {
    return this.token(id) !== undefined;
  }

  /** True if decoding skips this token. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  #encode(pieces: readonly (string | number)[]): number[] {
    // Marks of literal text do not count: a user's text of the allowed length may have one after each character.
    const lengthOf = (piece: string | number) => (typeof piece === "string" ? unmark(piece).length : 0);
    const length = pieces.reduce<number>((sum, piece) => sum + lengthOf(piece), 0);
    if (length > MAX_TEXT_LENGTH)
      throw new RangeError(`the text has ${length} characters, the limit is ${MAX_TEXT_LENGTH}; shorten it`);
    return pieces.flatMap((piece, i) => (typeof piece === "number" ? piece : this.#encoder.encode(piece, i === 0)));
  }
}

/** Adds the token to `added` if the tokenizer lacks it. */
function imageTokenOf(
  files: TokenizerFiles,
  { imageTokenId, imageToken, templatePlaceholder }: TokenizerOptions,
  added: AddedToken[],
  vocabulary: Vocabulary,
): ImageToken | undefined {
  if (imageTokenId === undefined && imageToken === undefined) return undefined;
  const names = { id: imageTokenId, text: imageToken, fallback: imageTokenText(files) ?? "<image>" };
  const { id, content } = findImageToken(added, names, vocabulary);
  const inTemplate = checkContent(templatePlaceholder ?? content, "the picture's placeholder in the chat template");
  return { id, text: content, inTemplate };
}
