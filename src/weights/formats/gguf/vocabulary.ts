/** The tokens of a GGUF file, checked: texts, types, and the ids with a role. */
import { quoted } from "../../../shared/json.ts";
import type { Metadata } from "./metadata.ts";

/** The largest id, by which a file says that there is no such token. */
export const NO_TOKEN = 2 ** 32 - 1;

/** Values of `tokenizer.ggml.token_type`; others count as normal. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface GgufVocabulary {
  readonly texts: readonly string[];
  readonly types: ArrayLike<number>;
  readonly idOf: ReadonlyMap<string, number>;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly eotId: number | undefined;
  readonly unknownId: number | undefined;
  readonly paddingId: number | undefined;
}

const TOKENS = "tokenizer.ggml.tokens";
const TYPES = "tokenizer.ggml.token_type";

/**
 * @param rows of the embedding table
 * @throws FoveaError `bad-weights` with key and numbers
 */
export function readVocabulary(metadata: Metadata, rows: number): GgufVocabulary {
  const count = metadata.listLength(TOKENS);
  if (count === undefined) throw metadata.bad(`${TOKENS} is missing`);
  if (count !== rows) throw metadata.bad(`${TOKENS} has ${count} tokens for ${rows} rows of token_embd.weight`);
  const types = metadata.numbers(TYPES) ?? new Uint8Array(count).fill(TOKEN_TYPE.normal);
  if (types.length !== count) throw metadata.bad(`${TYPES} has ${types.length} token types for ${count} tokens`);
  const texts = metadata.strings(TOKENS)!;
  const idOf = new Map<string, number>();
  for (let id = 0; id < count; id++) {
    const other = idOf.get(texts[id]!);
    if (other !== undefined)
      throw metadata.bad(`${TOKENS}: token ${id} is the same text as token ${other}, ${quoted(texts[id]!)}`);
    idOf.set(texts[id]!, id);
  }
  const role = (name: string): number | undefined => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.number(key);
    if (id === undefined || id === NO_TOKEN || id === -1) return undefined;
    if (!Number.isInteger(id) || id < 0 || id >= count)
      throw metadata.bad(`${key} ${id} is beyond the vocabulary of ${count} tokens`);
    return id;
  };
  return {
    texts,
    types,
    idOf,
    bosId: role("bos"),
    eosId: role("eos"),
    eotId: role("eot"),
    unknownId: role("unknown"),
    paddingId: role("padding"),
  };
}
