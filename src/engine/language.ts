/** Tokenizer and chat template of a folder, where it has them. */
import type { DescriptionFiles } from "../families/registry.ts";
import { LANGUAGE_FILES, TOKENIZER_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { ChatTemplate } from "../text/chat-template.ts";
import { companion } from "../text/special-tokens.ts";
import { findTemplate } from "../text/template-source.ts";
import { TextIds } from "../text/text-ids.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import { findConvention } from "../text/tool-calls/registry.ts";
import type { ModelFolder } from "../weights/folder.ts";
import { recommendedSampling } from "./warnings.ts";

export interface Language {
  tokenizer: Tokenizer;
  template: ChatTemplate;
  /** Of generation_config.json, as "temperature 0.2": not applied, see warnings.ts. */
  sampling: readonly string[];
  /** How the model calls tools; undefined where its template has no known form. */
  loadConvention: ReturnType<typeof findConvention>;
}

/** The files that a load reads to understand text. */
export function languageFilesOf({ decoder, textEncoder }: ModelSpec): readonly (typeof LANGUAGE_FILES)[number][] {
  if (decoder) return LANGUAGE_FILES;
  return textEncoder ? TOKENIZER_FILES : [];
}

/** How texts become ids; undefined for a model without a text encoder, or a folder without tokenizer.json. */
export async function loadTextIds(
  folder: ModelFolder,
  { textEncoder }: ModelSpec,
  signal: AbortSignal | undefined,
): Promise<TextIds | undefined> {
  if (!textEncoder) return undefined;
  const texts: Partial<Record<(typeof TOKENIZER_FILES)[number], string>> = Object.fromEntries(
    await Promise.all(TOKENIZER_FILES.map(async (name) => [name, await folder.text(name, { signal })] as const)),
  );
  const tokenizerJson = texts["tokenizer.json"];
  return tokenizerJson === undefined
    ? undefined
    : TextIds.parse({ ...texts, "tokenizer.json": tokenizerJson }, textEncoder);
}

/** Reads what concerns text; undefined for a model without a decoder, or a folder without tokenizer.json. */
export async function loadLanguage(
  folder: ModelFolder,
  spec: ModelSpec,
  described: DescriptionFiles,
  signal: AbortSignal | undefined,
): Promise<Language | undefined> {
  if (!spec.decoder) return undefined;
  const texts: Partial<Record<(typeof LANGUAGE_FILES)[number], string>> = Object.fromEntries(
    await Promise.all(LANGUAGE_FILES.map(async (name) => [name, await folder.text(name, { signal })] as const)),
  );
  const tokenizerJson = texts["tokenizer.json"];
  if (tokenizerJson === undefined) return undefined;
  const { "config.json": config, "processor_config.json": processor } = described as Record<string, object>;
  const files = {
    ...texts,
    "config.json": config,
    "processor_config.json": processor,
    "tokenizer.json": tokenizerJson,
  };
  const { imageTokenId, pictures, fallbackPrompt: fallback } = spec;
  const written = findTemplate(files)?.text ?? "";
  const templatePlaceholder = pictures?.marks?.find((mark) => written.includes(mark)) ?? pictures?.marks?.[0];
  const tokenizer = Tokenizer.parse(files, imageTokenId === undefined ? {} : { imageTokenId, templatePlaceholder });
  const sampling = recommendedSampling(companion(files, "generation_config.json"));
  const template = ChatTemplate.parse(files, tokenizer, { fallback, afterMark: pictures?.afterMark });
  const hasToken = (text: string) => tokenizer.tokenId(text) !== undefined;
  return { tokenizer, sampling, template, loadConvention: findConvention({ template: template.source, hasToken }) };
}
