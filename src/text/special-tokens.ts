/** Reads the tokens with a role from a model's files: begin and end tokens, and tokens for pictures. */
import { asArray, asObject, asString, type JsonObject, parseJsonFile, reject, show } from "./json.ts";

/**
 * The files of a checkpoint for text, by their names on the hub, as strings or already parsed. Only
 * tokenizer.json is required.
 */
export interface TokenizerFiles {
  readonly "tokenizer.json": string | object;
  readonly "tokenizer_config.json"?: string | object | undefined;
  readonly "special_tokens_map.json"?: string | object | undefined;
  readonly "generation_config.json"?: string | object | undefined;
  readonly "config.json"?: string | object | undefined;
  readonly "chat_template.jinja"?: string | undefined;
  readonly "chat_template.json"?: string | object | undefined;
  readonly "processor_config.json"?: string | object | undefined;
}

/** Parses a companion of tokenizer.json; empty where it is absent. */
export function companion(files: TokenizerFiles, name: keyof TokenizerFiles): JsonObject {
  const file = files[name];
  return file === undefined ? {} : parseJsonFile(name, file);
}

type TokenRole = "bos_token" | "eos_token" | "unk_token" | "pad_token";

const ROLES: readonly TokenRole[] = ["bos_token", "eos_token", "unk_token", "pad_token"];

/** The text of a role's token, from tokenizer_config.json or else special_tokens_map.json. */
export function roleToken(files: TokenizerFiles, role: TokenRole): string | undefined {
  for (const name of TOKEN_FILES) {
    const value = companion(files, name)[role];
    if (value !== undefined && value !== null) return contentOf(value, `${name}: ${role}`);
  }
  return undefined;
}

/** The text of the token for a row of a picture, if a file names it. */
export function imageTokenText(files: TokenizerFiles): string | undefined {
  for (const name of ["tokenizer_config.json", "processor_config.json"] as const) {
    const value = companion(files, name).image_token;
    if (value !== undefined && value !== null) return contentOf(value, `${name}: image_token`);
  }
  return undefined;
}

/** The files that name tokens, in order of precedence. */
const TOKEN_FILES = ["tokenizer_config.json", "special_tokens_map.json"] as const;
/** Fields with further named tokens, in files of models with pictures. */
const FURTHER_TOKENS = ["extra_special_tokens", "model_specific_special_tokens"] as const;

/**
 * Tokens that a chat template may write by name, as transformers passes them: "unk_token", "pad_token", every other
 * field that ends in "_token", those of `extra_special_tokens`, and the list `additional_special_tokens`.
 */
export function templateTokens(files: TokenizerFiles): Record<string, string | string[]> {
  const tokens: Record<string, string | string[]> = {};
  for (const name of TOKEN_FILES) {
    const file = companion(files, name);
    const further = FURTHER_TOKENS.flatMap((field) => (isObject(file[field]) ? Object.entries(file[field]) : []));
    for (const [key, value] of [...Object.entries(file).filter(([key]) => key.endsWith("_token")), ...further]) {
      // "add_bos_token" is a flag.
      if (typeof value === "string" || isObject(value)) tokens[key] ??= contentOf(value, `${name}: ${key}`);
    }
    const more = listedTokens(file, name);
    if (more.length > 0) tokens.additional_special_tokens ??= more;
  }
  return tokens;
}

/** Texts of all tokens that the files name as special: those with a role, and `additional_special_tokens`. */
export function namedSpecialTokens(files: TokenizerFiles): string[] {
  const named = ROLES.flatMap((role) => roleToken(files, role) ?? []);
  return [...named, ...TOKEN_FILES.flatMap((name) => listedTokens(companion(files, name), name))];
}

function listedTokens(file: JsonObject, name: string): string[] {
  // transformers 5 renamed the list.
  const field = Array.isArray(file.extra_special_tokens) ? "extra_special_tokens" : "additional_special_tokens";
  const where = `${name}: ${field}`;
  return asArray(file[field] ?? [], where).map((token) => contentOf(token, where));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A token is written as its text or as an AddedToken. */
function contentOf(token: unknown, where: string): string {
  return typeof token === "string" ? token : asString(asObject(token, where).content, `${where}.content`);
}

/**
 * Ids in `field` ("bos_token_id" or "eos_token_id") of the first file that has it: generation_config.json, then
 * config.json, then its `text_config`. A number or a list of numbers.
 *
 * @throws FoveaError `unsupported-model` where it is neither
 */
export function configuredIds(files: TokenizerFiles, field: "bos_token_id" | "eos_token_id"): number[] {
  const config = companion(files, "config.json");
  const text = config.text_config;
  const sources: [string, JsonObject][] = [
    ["generation_config.json", companion(files, "generation_config.json")],
    ["config.json", config],
    ["config.json: text_config", typeof text === "object" && text !== null ? (text as JsonObject) : {}],
  ];
  for (const [name, source] of sources) {
    const value = source[field];
    if (value === undefined || value === null) continue;
    const ids = typeof value === "number" ? [value] : asArray(value, `${name}: ${field}`);
    return ids.map((id) =>
      Number.isInteger(id) ? (id as number) : reject(`${name}: ${field}`, `expected ids, got ${show(value)}`),
    );
  }
  return [];
}
