/**
 * The decoder Metaspace as Hugging Face's Rust library (tokenizers 0.23) does it. That of @huggingface/tokenizers 0.2.0
 * always drops one mark before a text, and ignores the scheme.
 */
import { Decoder, MetaspaceDecoder } from "@huggingface/tokenizers";
import { asObject } from "./json.ts";

/** Returns the decoder, or a replacement for a Metaspace decoder. @param value the `decoder` of tokenizer.json */
export function keepSpaces(value: unknown, decoder: Decoder | null): Decoder | null {
  if (!(decoder instanceof MetaspaceDecoder)) return decoder;
  const { prepend_scheme, add_prefix_space } = asObject(value, "tokenizer.json: decoder");
  const scheme = prepend_scheme ?? (add_prefix_space === false ? "never" : "always");
  return new Marks(decoder.replacement, scheme !== "never");
}

class Marks extends Decoder {
  readonly #mark: string;
  readonly #drops: boolean;

  /** @param drops the marks of the first token become nothing; other marks become spaces */
  constructor(mark: string, drops: boolean) {
    super({ type: "Metaspace" } as unknown as ConstructorParameters<typeof Decoder>[0]);
    this.#mark = mark;
    this.#drops = drops;
  }

  override decode_chain(tokens: string[]): string[] {
    return tokens.map((token, i) => token.replaceAll(this.#mark, () => (i === 0 && this.#drops ? "" : " ")));
  }
}
