/** Searches a hub for models that can be loaded. */
import { mayDescribe } from "../families/registry.ts";
import { checkFields, checkSignal, kindOf } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import type { HubMatch, HubSearchOptions } from "../shared/hub-match.ts";
import { HUB_FIELDS, isReadable } from "../weights/formats/registry.ts";
import { searchModels } from "../weights/hub-search.ts";
import { hubAddress } from "../weights/published-model.ts";
import { checkAccess } from "./check-arguments.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const MAX_WORDS = 200;
const FIELDS = Object.keys({
  hubUrl: true,
  hubToken: true,
  limit: true,
  signal: true,
} satisfies Record<keyof HubSearchOptions, true>);

/**
 * Searches a hub's models by words of their names. Omits models whose type or format is known to be unsupported;
 * `planModel` checks if one can be loaded.
 *
 * @returns matches, those with most downloads first
 * @throws FoveaError `download-failed` or `aborted`; TypeError or RangeError for a wrong argument
 */
export async function searchHub(words: string, options: HubSearchOptions = {}): Promise<HubMatch[]> {
  if (typeof words !== "string" || words.trim() === "" || words.length > MAX_WORDS)
    throw new TypeError(`the search needs 1 to ${MAX_WORDS} characters, got ${kindOf(words)}`);
  checkFields("options", options, FIELDS);
  const { hubUrl, hubToken, limit = DEFAULT_LIMIT, signal } = options;
  checkSignal(signal);
  checkAccess({ hubUrl, hubToken });
  const entries = await searchModels(words.trim(), {
    hubUrl: hubAddress(hubUrl),
    token: hubToken,
    limit: checkInteger("limit", limit, 1, MAX_LIMIT),
    fields: ["config", ...HUB_FIELDS],
    signal,
  });
  const readable = await Promise.all(
    entries.map(async ({ fields }) => mayDescribe(fields.config) || (await isReadable(fields))),
  );
  return entries.filter((_, i) => readable[i]).map(({ source, downloads, gated }) => ({ source, downloads, gated }));
}
