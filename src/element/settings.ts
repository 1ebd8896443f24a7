/** Parses the attributes `model`, `tokens` and `inhibit`. Pure, apart from the page's address. */
import type { Compression, GenerateRequest } from "../api.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";

/** A number of image tokens, "none" for all of them, null for the model's default. */
export type TokenBudget = number | "none" | null;

/** The source in the attribute `model`; undefined if it is empty. Addresses may be relative to the page: "/models/a". */
export function modelSource(model: string | null): string | undefined {
  const text = model?.trim() ?? "";
  if (text === "") return undefined;
  return /^\.{0,2}\//.test(text) ? new URL(text, document.baseURI).href : text;
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

/**
 * The fields of a request that the attributes set. A budget above the number of image tokens compresses nothing.
 *
 * @throws RangeError for a budget that is neither a positive integer nor "none", and for a ratio outside [0, 1]
 */
export function requestSettings(
  tokens: TokenBudget,
  inhibit: number | null,
): Pick<GenerateRequest, "compression" | "inhibition"> {
  return {
    ...(tokens !== null && { compression: compressionOf(tokens) }),
    ...(inhibit !== null && { inhibition: { maxRatio: checkNumber("inhibit", inhibit, 0, 1) } }),
  };
}

function compressionOf(tokens: number | "none"): Compression {
  if (tokens === "none") return { method: "none" };
  checkInteger('tokens (unless "none")', tokens, 1);
  return { method: "vmtc", tokens };
}
