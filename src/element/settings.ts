/** What the attributes `model`, `tokens` and `inhibit` mean. Pure, but for the address of the page. */
import type { Compression, GenerateRequest, ModelInfo } from "../api.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";

/** A number of image tokens, "none" for all of them, null for the engine's own choice. */
export type TokenBudget = number | "none" | null;

/** The source that the attribute `model` names; undefined for none. An address may be relative to the page: "/models/a". */
export function modelSource(model: string | null): string | undefined {
  const text = model?.trim() ?? "";
  if (text === "") return undefined;
  return /^\.{0,2}\//.test(text) ? new URL(text, document.baseURI).href : text;
}

/** The attribute's text as a property: a number where it is one; other text stays, so that a message can show it. */
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
 * The part of a request that the attributes decide. A budget that the model's pictures stay below anyway compresses
 * nothing.
 *
 * @throws RangeError for a budget that is neither a whole number from 1 on nor "none", and a ratio outside of 0 to 1
 */
export function requestSettings(
  tokens: TokenBudget,
  inhibit: number | null,
  { imageTokens }: Pick<ModelInfo, "imageTokens">,
): Pick<GenerateRequest, "compression" | "inhibition"> {
  return {
    ...(tokens !== null && { compression: compressionOf(tokens, imageTokens) }),
    ...(inhibit !== null && { inhibition: { maxRatio: checkNumber("inhibit", inhibit, 0, 1) } }),
  };
}

function compressionOf(tokens: number | "none", imageTokens: number): Compression {
  if (tokens === "none") return { method: "none" };
  checkInteger('tokens, if it is not "none",', tokens, 1);
  return tokens >= imageTokens ? { method: "none" } : { method: "vmtc", tokens };
}
