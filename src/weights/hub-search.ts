/**
 * Searches a hub by words. It relies on `api/models?search=WORDS&expand[]=FIELD`, which returns a list of models with
 * these fields. @huggingface/hub has such a search too, without the fields of packed files and without limits and
 * retries.
 */
import { FoveaError } from "../errors.ts";
import { addressText } from "../shared/http.ts";
import { isJsonObject } from "../shared/json.ts";
import type { ReadOptions } from "./byte-source.ts";
import { fetchJson } from "./fetch-json.ts";
import { hubHeaders } from "./http.ts";
import { parseHubName } from "./hub-name.ts";
import { badListing } from "./listing.ts";
import type { RetryPolicy } from "./retry.ts";

export interface HubEntry {
  /** "hf:owner/name" */
  source: string;
  downloads: number;
  gated: boolean;
  /** The requested fields, untrusted. */
  fields: Readonly<Record<string, unknown>>;
}

export interface SearchOptions extends ReadOptions {
  /** Ends in a slash. */
  hubUrl: URL;
  token?: string | undefined;
  limit: number;
  /** Fields of each model besides those of `HubEntry`. */
  fields: readonly string[];
  retry?: RetryPolicy | undefined;
}

const MAX_ANSWER_BYTES = 8 << 20;

/**
 * The models that a hub finds, those with most downloads first. Entries without a usable name are left out.
 *
 * @throws FoveaError `download-failed` or `aborted`
 */
export async function searchModels(words: string, options: SearchOptions): Promise<HubEntry[]> {
  const { hubUrl, token, limit, fields, retry, signal } = options;
  const url = new URL("api/models", hubUrl);
  url.search = new URLSearchParams([
    ["search", words],
    ["limit", String(limit)],
    ["sort", "downloads"],
    ["direction", "-1"],
    ...["downloads", "gated", ...fields].map((field) => ["expand[]", field]),
  ]).toString();
  const headers = hubHeaders(token);
  const answer = await fetchJson(url, "search", { signal, retry, headers, maxBytes: MAX_ANSWER_BYTES });
  const where = addressText(url);
  if (answer.status !== 200)
    throw new FoveaError("download-failed", `${where} answered HTTP ${answer.status} to a search; try again later`);
  if (!Array.isArray(answer.json)) throw badListing(where, "the answer is not a list");
  return answer.json.slice(0, limit).flatMap((entry) => hubEntry(entry) ?? []);
}

function hubEntry(entry: unknown): HubEntry | undefined {
  if (!isJsonObject(entry) || typeof entry.id !== "string") return undefined;
  const source = `hf:${entry.id}`;
  try {
    parseHubName(source);
  } catch {
    return undefined;
  }
  const downloads = typeof entry.downloads === "number" ? entry.downloads : 0;
  return { source, downloads, gated: Boolean(entry.gated), fields: entry };
}
