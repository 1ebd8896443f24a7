/** Parses the attributes `model`, `tokens`, `inhibit` and `format`. Pure, apart from the page's address. */
import type { AnswerFormat, Compression, GenerateRequest, ModelInfo, Tool } from "../api.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";
import { sourceName } from "../shared/source.ts";
import type { AnswerSettings } from "./turns.ts";

/** A number of image tokens, a share of them such as "50%", "none" for all of them, null for the model's default. */
export type TokenBudget = number | `${number}%` | "none" | null;

/** The source in the attribute `model`; undefined if it is empty. */
export function modelSource(model: string | null): string | undefined {
  const name = sourceName(model ?? "");
  return name === "" ? undefined : name;
}

/** The attribute's value as a property: a number if it is one. Other strings stay, so that errors can show them. */
export function parseBudget(text: string | null): TokenBudget {
  if (text === null || text.trim() === "") return null;
  const word = text.trim().toLowerCase();
  return (word === "none" || Number.isNaN(Number(word)) ? word : Number(word)) as TokenBudget;
}

/** As `parseBudget`, for a plain number. */
export function parseNumber(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  return (Number.isNaN(Number(text)) ? text : Number(text)) as number;
}

/** The attribute `format`: "json", or an `AnswerFormat` as JSON. Other strings stay, so that errors can show them. */
export function parseFormat(text: string | null): AnswerFormat | null {
  if (text === null || text.trim() === "") return null;
  if (text.trim() === "json") return { type: "json" };
  try {
    return JSON.parse(text) as AnswerFormat;
  } catch {
    return text as unknown as AnswerFormat;
  }
}

/**
 * The fields of a request that the attributes set. A budget above the number of image tokens compresses nothing.
 *
 * @throws RangeError for a ratio outside [0, 1]. Also for a budget other than "none", a positive integer, and a share
 * above 0% and up to 100%
 */
function requestSettings(
  tokens: TokenBudget,
  inhibit: number | null,
  format: AnswerFormat | null = null,
): Pick<GenerateRequest, "compression" | "inhibition" | "format"> {
  return {
    ...(tokens !== null && { compression: compressionOf(tokens) }),
    ...(inhibit !== null && { inhibition: { maxRatio: checkNumber("inhibit", inhibit, 0, 1) } }),
    ...(format !== null && { format }),
  };
}

/** The properties of an element that make a request. */
interface Asking {
  tokens: TokenBudget;
  inhibit: number | null;
  format: AnswerFormat | null;
  tools: readonly Tool[] | null;
  record: boolean;
  settings: AnswerSettings | null;
}

/** The settings of an element's next answer. Throws as `requestSettings`. */
export function elementSettings(
  { tokens, inhibit, format, tools, record, settings }: Asking,
  { takesPictures, server }: ModelInfo,
): AnswerSettings {
  return {
    ...requestSettings(tokens, inhibit, format),
    ...(tools && { tools: [...tools] }),
    ...(record && takesPictures && !server && { attention: true }),
    ...settings,
  };
}

function compressionOf(tokens: Exclude<TokenBudget, null>): Compression {
  if (tokens === "none") return { method: "none" };
  const percent = typeof tokens === "string" ? /^(\d+(?:\.\d+)?)%$/.exec(tokens)?.[1] : undefined;
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100)
    return { method: "vmtc", ratio: Number(percent) / 100 };
  checkInteger('tokens (unless "none" or a share such as "50%")', tokens, 1);
  return { method: "vmtc", tokens: tokens as number };
}
