/** Models of whole words: WordPiece (BERT), which also has parts of words, and WordLevel. */
import { Model, WordPiece } from "@huggingface/tokenizers";

export interface WordsConfig {
  readonly type: "WordPiece" | "WordLevel";
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token: string;
  /** WordPiece only: prefix of each piece after a word's first. */
  readonly continuing_subword_prefix: string;
  /** WordPiece only: longer words are unknown. */
  readonly max_input_chars_per_word: number;
}

/** The model of this configuration. */
export function wordsModel(config: WordsConfig): Model {
  return config.type === "WordPiece" ? new WordPiece({ ...config, type: "WordPiece" }) : new WordLevel(config);
}

class WordLevel extends Model {
  constructor(config: WordsConfig) {
    super({ type: "WordLevel" } as unknown as ConstructorParameters<typeof Model>[0]);
    this.tokens_to_ids = new Map(Object.entries(config.vocab));
    for (const [token, id] of this.tokens_to_ids) this.vocab[id] = token;
    this.unk_token = config.unk_token;
    this.unk_token_id = this.tokens_to_ids.get(config.unk_token)!;
  }

  override encode(words: string[]): string[] {
    return words;
  }
}
