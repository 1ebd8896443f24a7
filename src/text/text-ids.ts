/** The ids of texts for a text encoder: lower-cased, with begin and end tokens, truncated, padded. */
import { FoveaError } from "../errors.ts";
import type { TextEncoderSpec } from "../spec/model-spec.ts";
import { lowercase } from "./normalizer.ts";
import { companion, roleToken, type TokenizerFiles } from "./special-tokens.ts";
import { Tokenizer } from "./tokenizer.ts";

/** The text encoder's rules for its input. */
export type TextRules = Pick<TextEncoderSpec, "vocabularySize" | "maxTokens" | "padded" | "padId" | "lowercase">;

/** The tokenizer of a text encoder. */
export class TextIds {
  readonly #tokenizer: Tokenizer;
  readonly #rules: TextRules;
  readonly #lowers: boolean;
  readonly #padId: number;

  /** @throws FoveaError `unsupported-model` with file and field, also for a padding token that is missing */
  static parse(files: TokenizerFiles, rules: TextRules): TextIds {
    return new TextIds(files, rules);
  }

  private constructor(files: TokenizerFiles, rules: TextRules) {
    this.#tokenizer = Tokenizer.parse(files);
    this.#rules = rules;
    // transformers' slow tokenizers lower-case in code, which their tokenizer.json does not record.
    this.#lowers = rules.lowercase === true && companion(files, "tokenizer_config.json").do_lower_case !== false;
    const padding = roleToken(files, "pad_token");
    this.#padId = (padding === undefined ? undefined : this.#tokenizer.tokenId(padding)) ?? rules.padId ?? 0;
    if (rules.padded) this.#check(this.#padId);
    const { length } = this.#tokenizer.encode("");
    if (length > rules.maxTokens)
      throw new FoveaError(
        "unsupported-model",
        `tokenizer.json: post_processor adds ${length} tokens to every text, the model reads ${rules.maxTokens}`,
      );
  }

  /**
   * The ids of a text, at most `maxTokens`, and the number of ids that are not padding. Special tokens in the text
   * count as tokens.
   *
   * @throws RangeError for a text of more than 262144 characters; FoveaError `unsupported-model` for an id that the model
   *   has no embedding of
   */
  encode(text: string): { ids: number[]; tokens: number } {
    const { maxTokens, padded } = this.#rules;
    const ids = this.#tokenizer.encode(this.#lowers ? lowercase(text) : text, { maxTokens });
    for (const id of ids) this.#check(id);
    const tokens = ids.length;
    while (padded && ids.length < maxTokens) ids.push(this.#padId);
    // Without special tokens an empty text would have no row to read.
    if (ids.length === 0) ids.push(this.#padId);
    return { ids, tokens };
  }

  #check(id: number): void {
    const { vocabularySize } = this.#rules;
    if (id >= vocabularySize)
      throw new FoveaError(
        "unsupported-model",
        `tokenizer.json: the id ${id} has no embedding, config.json has a vocabulary of ${vocabularySize}; one of the files is of another model`,
      );
  }
}
