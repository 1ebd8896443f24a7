/** The format of one answer: which tokens may come next. */
import { FoveaError } from "../errors.ts";
import type { Constraint } from "../generate/step-loop.ts";
import type { FormatSource } from "../grammar/format-source.ts";
import { Grammars } from "../grammar/grammars.ts";
import type { GrammarVocabulary } from "../grammar/protocol.ts";
import { ByteDecoder } from "../text/token-bytes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** @param engine called when a first request needs the worker */
export function makeGrammars(engine: () => { tokenizer: Tokenizer; vocabularySize: number }): Grammars {
  return new Grammars(() => {
    const { tokenizer, vocabularySize } = engine();
    return vocabularyOf(tokenizer, vocabularySize);
  });
}

/** Begins an answer. Throws as `Grammars.begin`, and FoveaError `unsupported-model` for a tokenizer without bytes. */
export async function beginConstraint(
  grammars: Grammars,
  source: FormatSource,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): Promise<Constraint> {
  if (!tokenizer.hasBytes)
    throw new FoveaError(
      "unsupported-model",
      "this model cannot follow a format: the text of its tokens depends on their neighbours, as in WordPiece",
    );
  let { mask } = await grammars.begin(source, signal);
  return {
    get mask() {
      return mask;
    },
    accept: async (id) => {
      ({ mask } = await grammars.accept(id));
    },
  };
}

/** Text of an answer with a format: each byte counts, also a space at its start. */
export function formatDecoder(tokenizer: Tokenizer): ByteDecoder {
  return new ByteDecoder((id) => (tokenizer.isControl(id) ? new Uint8Array() : tokenizer.bytes(id)));
}

function vocabularyOf(tokenizer: Tokenizer, vocabularySize: number): GrammarVocabulary {
  const lengths = new Uint32Array(vocabularySize);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let id = 0; id < vocabularySize; id++) {
    if (!tokenizer.hasId(id) || tokenizer.isControl(id)) continue;
    const bytes = tokenizer.bytes(id);
    parts.push(bytes);
    lengths[id] = bytes.length;
    total += bytes.length;
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, lengths, endIds: tokenizer.eosIds.filter((id) => id < vocabularySize) };
}
