/** The tokenizer and the chat template of a folder that has them. */

import { FoveaError } from "../errors.ts";
import type { DescriptionFiles } from "../families/registry.ts";
import { loadCode } from "../late-part.ts";
import { queriesOf } from "../model/connector/row-count.ts";
import { LANGUAGE_FILES, NESTED_FILES, QUESTION_TOKENIZER, TOKENIZER_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ChatTemplate } from "../text/chat-template.ts";
import type { TextIds } from "../text/text-ids.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { findConvention } from "../text/tool-calls/registry.ts";
import type { ModelFolder } from "../weights/folder.ts";
import { recommendedSampling } from "./warnings.ts";

export interface Language {
  tokenizer: Tokenizer;
  template: ChatTemplate;
  /** The ids of a question for learned queries; undefined if no picture's rows depend on the question. */
  questionIds: ((question: string) => number[]) | undefined;
  /** Settings of generation_config.json, such as "temperature 0.2": not applied, see warnings.ts. */
  sampling: readonly string[];
  /** The model's convention for calling tools; undefined if its template has no known one. */
  loadConvention: ReturnType<typeof findConvention>;
}

/** The files that a load reads to understand text. */
export function languageFilesOf({ decoder, textEncoder, connector }: ModelSpec): readonly string[] {
  if (decoder) return queriesOf(connector)?.text ? [...LANGUAGE_FILES, QUESTION_TOKENIZER] : LANGUAGE_FILES;
  return textEncoder ? TOKENIZER_FILES : [];
}

/** Starts to load the code that reads text, which takes no longer than the files. The promise may be left alone. */
function loadReaders() {
  const readers = loadCode("tokenizers and chat templates", () => import("../text/readers.ts"));
  readers.catch(() => {});
  return readers;
}

/** Turns texts into ids; undefined for a model without a text encoder, or a folder without tokenizer.json. */
export async function loadTextIds(
  folder: ModelFolder,
  { textEncoder }: ModelSpec,
  signal: AbortSignal | undefined,
): Promise<TextIds | undefined> {
  if (!textEncoder) return undefined;
  const readers = loadReaders();
  const texts: Partial<Record<(typeof TOKENIZER_FILES)[number], string>> = Object.fromEntries(
    await Promise.all(TOKENIZER_FILES.map(async (name) => [name, await folder.text(name, { signal })] as const)),
  );
  const tokenizerJson = texts["tokenizer.json"];
  if (tokenizerJson === undefined) return undefined;
  const { TextIds } = await readers;
  return TextIds.parse({ ...texts, "tokenizer.json": tokenizerJson }, textEncoder);
}

export interface LanguageOptions {
  signal: AbortSignal | undefined;
  /** Awaited before the tokenizer is parsed, which blocks the thread. Never rejects. */
  before: Promise<unknown> | undefined;
  /** True if the folder derives its JSON files from other data, such as a container's metadata. */
  isMade: boolean;
}

/** Reads tokenizer and template; undefined for a model without a decoder, or a folder without tokenizer.json. */
export async function loadLanguage(
  folder: ModelFolder,
  spec: ModelSpec,
  described: DescriptionFiles,
  { signal, before, isMade }: LanguageOptions,
): Promise<Language | undefined> {
  if (!spec.decoder) return undefined;
  const readers = loadReaders();
  // Deriving the files blocks as long as parsing them; as text they would be parsed once more.
  if (isMade) await before;
  const read = (name: string) =>
    isMade && name.endsWith(".json") ? folder.json(name, { signal }) : folder.text(name, { signal });
  const texts: Record<string, unknown> = Object.fromEntries(
    await Promise.all(LANGUAGE_FILES.map(async (name) => [name, await read(name)] as const)),
  );
  const tokenizerJson = texts["tokenizer.json"] as string | object | undefined;
  if (tokenizerJson === undefined) return undefined;
  await before;
  const { ChatTemplate, companion, findTemplate, Tokenizer } = await readers;
  const { "config.json": config, "processor_config.json": processor } = described as Record<string, object>;
  const files = {
    ...texts,
    "config.json": config,
    "processor_config.json": processor,
    "tokenizer.json": tokenizerJson,
  };
  const { imageTokenId, pictures, fallbackPrompt: fallback, controlTokens, endTokens, repeatsBos } = spec;
  const written = findTemplate(files)?.text ?? "";
  const templatePlaceholder = pictures?.marks?.find((mark) => written.includes(mark)) ?? pictures?.marks?.[0];
  const tokenizer = Tokenizer.parse(files, {
    ...(imageTokenId !== undefined && { imageTokenId, templatePlaceholder }),
    controlTokens,
    endTokens,
  });
  const sampling = recommendedSampling(companion(files, "generation_config.json"));
  const template = ChatTemplate.parse(files, tokenizer, { fallback, afterMark: pictures?.afterMark, repeatsBos });
  tokenizer.endAt(template.afterAnswer);
  const hasToken = (text: string) => tokenizer.tokenId(text) !== undefined;
  const questionIds = await loadQuestionIds(folder, spec, signal);
  return {
    tokenizer,
    questionIds,
    sampling,
    template,
    loadConvention: findConvention({ template: template.source, hasToken }),
  };
}

/** Throws FoveaError `unsupported-model` without the tokenizer, or with one of another model. */
async function loadQuestionIds(
  folder: ModelFolder,
  { connector }: ModelSpec,
  signal: AbortSignal | undefined,
): Promise<Language["questionIds"]> {
  const rules = queriesOf(connector)?.text;
  if (!rules) return undefined;
  const { maxTokens, vocabularySize } = rules;
  const json = await folder.text(QUESTION_TOKENIZER, { signal });
  if (json === undefined)
    throw new FoveaError(
      "unsupported-model",
      `${NESTED_FILES[QUESTION_TOKENIZER]!.join("/")} is missing: this model's pictures are read with the question, by a tokenizer of its own; add the file`,
    );
  const { Tokenizer } = await loadReaders();
  const tokenizer = Tokenizer.parse({ "tokenizer.json": json });
  return (question) => {
    const ids = tokenizer.encode(question);
    const unknown = ids.find((id) => id >= vocabularySize);
    if (unknown !== undefined)
      throw new FoveaError(
        "unsupported-model",
        `the question's tokenizer makes the id ${unknown}, config.json has a vocabulary of ${vocabularySize}; one of the files is of another model`,
      );
    // A long question loses its beginning, but not the begin token.
    return ids.length > maxTokens ? [ids[0]!, ...ids.slice(ids.length - maxTokens + 1)] : ids;
  };
}
