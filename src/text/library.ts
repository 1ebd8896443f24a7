/**
 * Builds the tokenizer of @huggingface/tokenizers 0.2.0 from checked files. It works around differences from Hugging Face's
 * Rust library that would give supported models other ids:
 * - Some pre-tokenizers are wrong or missing; see pre-tokenizer.ts. So is the Unigram model; see unigram.ts.
 * - It looks up all tokens by their text, those of a user's words among them; see `Words` and `forgetControlTokens`.
 * - A word takes 3 s per 100,000 characters, and without a pre-tokenizer (Llama) a text is one word; see `Words`.
 *
 * These differences remain, because no supported model is affected: `single_word` of added tokens is ignored; Lowercase
 * makes "ς" of a sigma at the end of a word; Strip and the stripping of added tokens have JavaScript's idea of white
 * space; Replace reads "$&" as an instruction; BertNormalizer and Precompiled are approximations; a byte order mark
 * spelled in byte tokens is lost in decoding; the decoder Metaspace drops the first space whatever its scheme.
 * Pre-tokenizers that are wrong for common text are refused. A pattern that backtracks endlessly cannot be detected; its
 * cost is up to the model's author.
 */
import { PreTokenizer, Tokenizer } from "@huggingface/tokenizers";
import { type AddedToken, isControl } from "./added-tokens.ts";
import { type JsonObject, reject } from "./json.ts";
import { unmark } from "./literal.ts";
import { preTokenizerSteps } from "./pre-tokenizer.ts";
import { Unigram, type UnigramConfig } from "./unigram.ts";
import type { CheckedModel } from "./vocabulary.ts";

/**
 * @param json tokenizer.json
 * @param model its model, checked by `parseModel`
 * @throws FoveaError `unsupported-model` that names the component that is not supported or malformed
 */
export function buildLibrary(json: JsonObject, model: CheckedModel, added: readonly AddedToken[]) {
  const steps = preTokenizerSteps(json.pre_tokenizer);
  const isBpe = "bpe" in model;
  const file = {
    model: isBpe ? model.bpe : EMPTY_MODEL,
    added_tokens: added,
    normalizer: json.normalizer ?? null,
    pre_tokenizer: steps.length > 0 ? { type: "Sequence", pretokenizers: steps } : null,
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
  };
  try {
    // The clean-up ("word ." -> "word.") is not part of tokenizer.json, and damages code.
    const library = new Tokenizer(file, { clean_up_tokenization_spaces: false });
    if (!isBpe) library.model = unigramModel(model.unigram, added);
    const words = new Words(library.pre_tokenizer, isBpe && !model.bpe.ignore_merges && spacesBeginTokens(model.bpe));
    library.pre_tokenizer = words;
    forgetControlTokens(library, added);
    // The Rust library leaves the suffix in the text; with it, this one would trim the text.
    if (library.decoder) library.decoder.end_of_word_suffix = null;
    const affixes = affixesOf(library);
    // A trial run, because malformed fields fail only at the first use.
    library.encode("a");
    library.decoder?.decode(["a"]);
    return { library, words, affixes };
  } catch (error) {
    // The library throws errors of any class, including TypeErrors.
    return reject("tokenizer.json", `it cannot be used (${(error as Error).message})`, error);
  }
}

const EMPTY_MODEL = { type: "BPE", vocab: {}, merges: [] };

/** Our model in place of the library's, with the tokens that the library adds to its own. */
function unigramModel(config: UnigramConfig, added: readonly AddedToken[]): Unigram {
  const unigram = new Unigram(config, new Set(added.filter(isControl).map(({ content }) => content)));
  for (const { id, content } of added) {
    unigram.vocab[id] = content;
    unigram.tokens_to_ids.set(content, id);
  }
  return unigram;
}

/** Wraps the library's pre-tokenizer. */
export class Words extends PreTokenizer {
  /** Pieces of the prompt that came before this text; Metaspace asks for them. */
  sectionsBefore = 0;
  readonly #inner: PreTokenizer | null;
  readonly #cutsAtSpaces: boolean;

  constructor(inner: PreTokenizer | null, cutsAtSpaces: boolean) {
    super();
    this.#inner = inner;
    this.#cutsAtSpaces = cutsAtSpaces;
  }

  override pre_tokenize_text(text: string, options: { section_index?: number } = {}): string[] {
    // Not earlier: the library reads any text that normalizes to an added token as that token.
    const plain = unmark(text);
    const section_index = (options.section_index ?? 0) + this.sectionsBefore;
    const words = this.#inner ? this.#inner.pre_tokenize(plain, { section_index }) : [plain];
    // No merge crosses a place that no token crosses, so the parts can be encoded and cached alone.
    return this.#cutsAtSpaces ? words.flatMap((word) => word.split(/(?<=[^▁])(?=▁)/u)) : words;
  }
}

/** Whether every token has spaces only at its start. */
function spacesBeginTokens(model: JsonObject): boolean {
  return Object.keys(model.vocab as object).every((token) => !/[^▁]▁/u.test(token));
}

/**
 * Removes control tokens from the tokens that words can become, by a merge or directly (`ignore_merges`). The library cuts
 * them out of the text by another table.
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
