/**
 * Text to ids and back, from the files of a Hugging Face checkpoint. Ids are those of the reference implementation
 * (Hugging Face's Rust library). This file puts the parts together; each step of the pipeline has a file of its own.
 */
import { type AddedToken, AddedTokenMatcher, parseAddedTokens } from "./added-tokens.ts";
import { BpeModel } from "./bpe.ts";
import { buildDecodeStages, type DecodeStage, type StageFactory } from "./decode-stages.ts";
import { asIndex, asObject, type JsonObject, parseJsonFile, reject, show } from "./json.ts";
import { LiteralText } from "./literal.ts";
import { buildNormalizer, type Normalizer } from "./normalizer.ts";
import { type Affixes, buildAffixes } from "./post-processor.ts";
import { buildPreTokenizer, type PreTokenizer } from "./pre-tokenizer.ts";
import { companion, configuredIds, namedSpecialTokens, roleToken, type TokenizerFiles } from "./special-tokens.ts";
import { type DecodeOptions, StreamDecoder } from "./stream-decoder.ts";
import { UnigramModel } from "./unigram.ts";
import { MAX_IDS, parseScoredVocabulary, parseVocabulary, type Vocabulary } from "./vocabulary.ts";
import type { WordModel } from "./word-model.ts";

export interface TokenizerOptions {
  /**
   * Id that stands for an image, from config.json. A tokenizer that lacks it (the plain Llama-2 files beside a LLaVA
   * model) gets "<image>" as an added token of this id.
   */
  imageTokenId?: number;
}

export interface EncodeOptions {
  /** Add what the post-processor adds, such as BOS; default true. */
  addSpecialTokens?: boolean;
}

const IMAGE_TOKEN = "<image>";

export class Tokenizer {
  /** Highest id + 1; not every id below it need exist. */
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  /** Text of the BOS and EOS tokens, where the files name them. */
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  /**
   * Ids that end an answer. First those of generation_config.json, or where it has none of config.json, or of its
   * text_config; then the eos_token of tokenizer_config.json or special_tokens_map.json, which for chat models is often
   * the only place that names the end of a turn. Ids that the tokenizer does not have are left out.
   */
  readonly eosIds: readonly number[];
  /** The token that stands for an image in a prompt, where the model reads images. */
  readonly imageToken: { readonly id: number; readonly text: string } | undefined;

  readonly #tokens: readonly (string | undefined)[];
  /** The model's own tokens; added ones apart, since words of the text must not be taken for them. */
  readonly #vocabulary: Vocabulary;
  readonly #addedIds: ReadonlyMap<string, number>;
  readonly #special: ReadonlySet<number>;
  readonly #model: WordModel;
  readonly #normalize: Normalizer;
  readonly #preTokenize: PreTokenizer;
  readonly #affixes: Affixes;
  readonly #stages: StageFactory;
  /** Added tokens that are looked for in the text as it is, and in the normalized text. */
  readonly #plainTokens: AddedTokenMatcher;
  readonly #normalizedTokens: AddedTokenMatcher;
  readonly #literal: LiteralText;

  /**
   * @param files as they are on the hub, by their names
   * @throws FoveaError `unsupported-model` that names file and place, for damaged files and for kinds of tokenizer that
   *   are not supported
   */
  static parse(files: TokenizerFiles, options: TokenizerOptions = {}): Tokenizer {
    return new Tokenizer(files, options);
  }

  private constructor(files: TokenizerFiles, options: TokenizerOptions) {
    const json = parseJsonFile("tokenizer.json", files["tokenizer.json"]);
    const { model, vocabulary } = buildModel(asObject(json.model, "tokenizer.json: model"));
    const added = withNamedTokens(
      parseAddedTokens(json, companion(files, "tokenizer_config.json"), vocabulary),
      namedSpecialTokens(files),
      vocabulary,
    );
    const image = options.imageTokenId === undefined ? undefined : addImage(added, options.imageTokenId, vocabulary);

    this.#model = model;
    this.#normalize = buildNormalizer(json.normalizer);
    this.#preTokenize = buildPreTokenizer(json.pre_tokenizer);
    this.#stages = buildDecodeStages(json.decoder);

    const tokens = vocabulary.tokens.slice();
    for (const { id, content } of added) tokens[id] = content;
    this.#tokens = tokens;
    this.#vocabulary = vocabulary;
    this.#addedIds = new Map(added.map(({ content, id }) => [content, id]));
    this.vocabularySize = tokens.length;
    this.#affixes = buildAffixes(json.post_processor, tokens.length);
    this.#special = new Set(added.filter(({ special }) => special).map(({ id }) => id));

    this.#plainTokens = new AddedTokenMatcher(
      added.filter(({ normalized }) => !normalized).map((token) => [token.content, token]),
    );
    this.#normalizedTokens = new AddedTokenMatcher(
      added.filter(({ normalized }) => normalized).map((token) => [this.#normalize(token.content), token]),
    );
    this.#literal = new LiteralText(added, this.#normalize, this.#normalizedTokens);

    this.imageToken = image && { id: image.id, text: image.content };
    this.bosToken = roleToken(files, "bos_token");
    this.eosToken = roleToken(files, "eos_token");
    this.bosId = [this.tokenId(this.bosToken ?? ""), ...configuredIds(files, "bos_token_id")].find(
      (id) => id !== undefined && this.hasId(id),
    );
    const ends = [...configuredIds(files, "eos_token_id"), this.tokenId(this.eosToken ?? "")];
    this.eosIds = [...new Set(ends.filter((id) => id !== undefined && this.hasId(id)) as number[])];
    if (image && this.eosIds.includes(image.id))
      reject(
        "config.json",
        `the image token's id ${image.id} is the end token ${show(image.content)} of the tokenizer`,
      );
  }

  /** Ids of a text in which special tokens count ("<s>" is one id). Not for text of users: see `literal`. */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    this.#encode(text, true, (part) => part, ids);
    if (options.addSpecialTokens === false) return ids;
    return [...this.#affixes.prefix, ...ids, ...this.#affixes.suffix];
  }

  /**
   * Ids of a prompt: text whose users' parts went through `literal`, and ids that stand between. With special tokens,
   * what the post-processor puts in front is added unless the prompt begins with it already (templates often write BOS
   * themselves); what it puts behind, an end token, would end the text that is to be continued and is left out.
   */
  encodePrompt(pieces: readonly (string | number)[], options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    pieces.forEach((piece, i) => {
      if (typeof piece === "number") ids.push(piece);
      else this.#encode(piece, i === 0, (part) => this.#literal.unmark(part), ids);
    });
    const { prefix } = this.#affixes;
    if (options.addSpecialTokens === false || prefix.every((id, i) => ids[i] === id)) return ids;
    return [...prefix, ...ids];
  }

  /**
   * Text that stays text within a prompt: control tokens in it are marked, so that `encodePrompt` does not take them for
   * tokens. Harmless text comes back as it is.
   *
   * @param isAnswer the text is an answer of the model, in which tokens that are not special ("</think>") may stand
   */
  literal(text: string, isAnswer = false): string {
    return this.#literal.mark(text, isAnswer);
  }

  /** Text of ids; those that the tokenizer does not have are passed over. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = new StreamDecoder(this, options);
    const parts: string[] = [];
    for (const id of ids) parts.push(decoder.push(id));
    parts.push(decoder.flush());
    return parts.join("");
  }

  tokenId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#vocabulary.idOf.get(token);
  }

  token(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** Whether the tokenizer has this id; others must not be sampled. */
  hasId(id: number): boolean {
    return this.#tokens[id] !== undefined;
  }

  /** Whether decoded text leaves this token out. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** For StreamDecoder: fresh stages of this tokenizer's decoder. */
  decodeStages(): DecodeStage[] {
    return this.#stages();
  }

  /** @param unmark what is done to text once added tokens have been cut out of it */
  #encode(text: string, isStart: boolean, unmark: (part: string) => string, ids: number[]): void {
    let isFirst = isStart;
    for (const section of this.#plainTokens.split(text)) {
      for (const part of typeof section === "number" ? [section] : this.#splitNormalized(section, unmark)) {
        if (typeof part === "number") ids.push(part);
        else for (const word of this.#preTokenize(unmark(part), isFirst)) this.#model.encode(word, ids);
        isFirst = false;
      }
    }
  }

  #splitNormalized(section: string, unmark: (part: string) => string): (number | string)[] {
    // Marks go before normalization wherever they can, so that it sees the text alone.
    if (this.#normalizedTokens.isEmpty) return [this.#normalize(unmark(section))].filter((part) => part !== "");
    return unmark(section) === "" ? [] : this.#normalizedTokens.split(this.#normalize(section));
  }
}

function buildModel(config: JsonObject): { model: WordModel; vocabulary: Vocabulary } {
  // Files from before version 1.0 have no type; those with merges are BPE.
  const type = config.type ?? (config.merges ? "BPE" : undefined);
  if (type === "BPE") {
    const vocabulary = parseVocabulary(config);
    return { vocabulary, model: new BpeModel(config, vocabulary) };
  }
  if (type === "Unigram") {
    const vocabulary = parseScoredVocabulary(config);
    return { vocabulary, model: new UnigramModel(config, vocabulary) };
  }
  return reject("tokenizer.json: model", `the type ${show(type)} is not supported; BPE and Unigram are`);
}

/** Tokens that other files name as special are special, and cut out of text, even where tokenizer.json does not say so. */
function withNamedTokens(added: readonly AddedToken[], named: readonly string[], vocabulary: Vocabulary): AddedToken[] {
  const special = new Set(named);
  const result = added.map((token) => (special.has(token.content) ? { ...token, special: true } : token));
  for (const content of special) {
    const id = vocabulary.idOf.get(content);
    if (id !== undefined && !added.some((token) => token.content === content)) result.push(controlToken(id, content));
  }
  return result;
}

/** Finds the image token among the added ones, or adds it to them. */
function addImage(added: AddedToken[], id: number, vocabulary: Vocabulary): AddedToken {
  asIndex(id, "config.json: the image token's id", MAX_IDS);
  const known = added.find((token) => token.id === id);
  if (known) return known;
  const content = vocabulary.tokens[id] ?? IMAGE_TOKEN;
  const other = added.find((token) => token.content === content)?.id ?? vocabulary.idOf.get(content) ?? id;
  if (other !== id)
    reject("config.json", `the image token has the id ${id}, but "${content}" in the tokenizer ${other}`);
  const token = controlToken(id, content);
  added.push(token);
  return token;
}

function controlToken(id: number, content: string): AddedToken {
  return { id, content, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true };
}
