/**
 * Builds an encoder and a decoder from checked files. @huggingface/tokenizers 0.2.0 has BPE, WordPiece, the decoders,
 * the post-processors and the translation of patterns. Its other parts give different ids from Hugging Face's Rust
 * library; added-token-finder.ts, normalizer.ts, pre-tokenizer.ts and unigram.ts replace them. The library also looks
 * up all tokens by their text, even in users' words; see `forgetControlTokens`.
 *
 * These differences remain: a byte order mark spelled in byte tokens is lost in decoding, and bytes that are no character
 * become fewer U+FFFD.
 */
import { type Model, Tokenizer } from "@huggingface/tokenizers";
import { AddedTokenFinder } from "./added-token-finder.ts";
import { type AddedToken, isControl } from "./added-tokens.ts";
import { type JsonObject, reject } from "./json.ts";
import { unmark } from "./literal.ts";
import { keepSpaces } from "./metaspace-decoder.ts";
import { type Normalize, parseNormalizer } from "./normalizer.ts";
import { type PreTokenize, parsePreTokenizer } from "./pre-tokenizer.ts";
import { bounded, checkParts } from "./tokenizer-limits.ts";
import { Unigram, type UnigramConfig } from "./unigram.ts";
import type { CheckedModel } from "./vocabulary.ts";
import { wordsModel } from "./words.ts";

/**
 * @param json tokenizer.json
 * @param model its model, checked by `parseModel`
 * @throws FoveaError `unsupported-model` that names the component that is not supported or malformed
 */
export function buildLibrary(json: JsonObject, model: CheckedModel, added: readonly AddedToken[]) {
  checkParts(json);
  const normalize = bounded(parseNormalizer(json.normalizer));
  const preTokenize = parsePreTokenizer(json.pre_tokenizer);
  const isBpe = "bpe" in model;
  const file = {
    model: isBpe ? model.bpe : EMPTY_MODEL,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
  };
  try {
    // The clean-up ("word ." -> "word.") is not part of tokenizer.json, and damages code.
    const library = new Tokenizer(file, { clean_up_tokenization_spaces: false });
    if (!isBpe) library.model = modelOf(model, added);
    forgetControlTokens(library, added);
    // The Rust library leaves the suffix in the text; with it, this one would trim the text.
    if (library.decoder) library.decoder.end_of_word_suffix = null;
    library.decoder = keepSpaces(json.decoder, library.decoder);
    const affixes = affixesOf(library);
    // No merge crosses a boundary that no token crosses, so the parts of a long text can be encoded and cached
    // separately.
    const cutsAtSpaces = isBpe && !model.bpe.ignore_merges && spacesBeginTokens(model.bpe);
    const encoder = new Encoder(added, { normalize, preTokenize, model: library.model!, cutsAtSpaces });
    // A trial run, because malformed fields fail only at the first use.
    encoder.encode("a", true);
    library.decoder?.decode(["a"]);
    return { library, encoder, affixes };
  } catch (error) {
    // The library throws errors of any class, including TypeErrors.
    return reject("tokenizer.json", `it cannot be used (${(error as Error).message})`, error);
  }
}

const EMPTY_MODEL = { type: "BPE", vocab: {}, merges: [] };

interface EncoderSteps {
  normalize: Normalize;
  preTokenize: PreTokenize;
  model: Model;
  /** Words may be cut before each "▁". */
  cutsAtSpaces: boolean;
}

/** Text to ids. */
export class Encoder {
  readonly normalize: Normalize;
  readonly #steps: EncoderSteps;
  readonly #plain: AddedTokenFinder;
  readonly #normalized: AddedTokenFinder;

  constructor(added: readonly AddedToken[], steps: EncoderSteps) {
    this.normalize = steps.normalize;
    this.#steps = steps;
    const plain = added.filter(({ normalized }) => !normalized);
    const normalized = added.filter((token) => token.normalized);
    this.#plain = new AddedTokenFinder(plain, ({ content }) => content);
    this.#normalized = new AddedTokenFinder(normalized, ({ content }) => steps.normalize(content));
  }

  /** Ids of a piece of a prompt; `isFirst`: the prompt begins with it. */
  encode(text: string, isFirst: boolean): number[] {
    return this.#plain.split(text).flatMap((piece, i) => {
      if (typeof piece === "number") return piece;
      const parts = this.#normalized.split(this.normalize(piece));
      return parts.flatMap((part, j) => (typeof part === "number" ? part : this.#words(part, isFirst && i + j === 0)));
    });
  }

  #words(text: string, isFirst: boolean): number[] {
    const { preTokenize, model, cutsAtSpaces } = this.#steps;
    // Not earlier: otherwise text that normalizes to an added token would become that token.
    const words = preTokenize(unmark(text), isFirst).filter((word) => word !== "");
    const parts = cutsAtSpaces ? words.flatMap((word) => word.split(/(?<=[^▁])(?=▁)/u)) : words;
    return model._call(parts).flatMap((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id ?? []);
  }
}

/** A model other than the library's BPE, with the tokens that the library adds to its own models. */
function modelOf(config: Exclude<CheckedModel, { bpe: JsonObject }>, added: readonly AddedToken[]): Model {
  const model = "unigram" in config ? unigramModel(config.unigram, added) : wordsModel(config.words);
  for (const { id, content } of added) {
    model.vocab[id] = content;
    model.tokens_to_ids.set(content, id);
  }
  return model;
}

function unigramModel(config: UnigramConfig, added: readonly AddedToken[]): Unigram {
  return new Unigram(config, new Set(added.filter(isControl).map(({ content }) => content)));
}

/** True if every token has spaces only at its start. */
function spacesBeginTokens(model: JsonObject): boolean {
  return Object.keys(model.vocab as object).every((token) => !/[^▁]▁/u.test(token));
}

/**
 * Removes control tokens from the tokens that words can become, by a merge or directly (`ignore_merges`). They are cut out
 * of the text before it becomes words.
 */
function forgetControlTokens(library: Tokenizer, added: readonly AddedToken[]): void {
  for (const token of added) if (isControl(token)) library.model?.tokens_to_ids.delete(token.content);
}

/** Tokens that the post-processor puts before and after a text. */
function affixesOf(library: Tokenizer): { prefix: string[]; suffix: string[] } {
  const text = "\uFDD0";
  const tokens = library.post_processor?.post_process([text]).tokens ?? [text];
  const at = tokens.indexOf(text);
  if (at < 0 || tokens.indexOf(text, at + 1) >= 0) throw new Error("the post-processor must keep the text, once");
  return { prefix: tokens.slice(0, at), suffix: tokens.slice(at + 1) };
}
