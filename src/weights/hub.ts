/**
 * Models on a hub with Hugging Face's interface: lists the published files, with lengths and hashes. Other code fetches
 * the files.
 *
 * It relies on these endpoints. `api/models/NAME/revision/REV` returns the commit. `api/models/NAME/tree/COMMIT` lists
 * the files of the top folder, page by page: each with its size and git id, those in large-file storage with their
 * SHA-256. `api/models/NAME/tree/COMMIT/FOLDER` does the same for a folder that may hold nested files.
 * `NAME/resolve/COMMIT/FILE` leads to the bytes, often on another origin. Refusals carry X-Error-Code.
 */
import { FoveaError } from "../errors.ts";
import { addressText } from "../shared/http.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import { NESTED_FILES } from "../shared/model-files.ts";
import type { ReadOptions } from "./byte-source.ts";
import { fetchJson, type JsonAnswer } from "./fetch-json.ts";
import { isModelFile } from "./formats/registry.ts";
import { hubHeaders } from "./http.ts";
import type { HubModel } from "./hub-name.ts";
import { badListing, type ListedFile, listedFile, MAX_LISTED_FILES, type ModelListing } from "./listing.ts";
import type { RetryPolicy } from "./retry.ts";

export interface HubOptions extends ReadOptions {
  /** Address of the hub; ends in a slash. */
  hubUrl: URL;
  /** Access token of an account that may read the model. Sent to the hub's own origin only, never stored. */
  token?: string | undefined;
  retry?: RetryPolicy | undefined;
}

export interface HubListing extends ModelListing {
  /** Headers of requests for the files. */
  readonly headers: Readonly<Record<string, string>>;
  /** The next step if access to a file is refused, for messages. */
  readonly refusalHint: string;
}

const MAX_PAGE_BYTES = 16 << 20;

/**
 * The model files at a revision. The revision is resolved to a commit first, so that files of two versions never mix.
 *
 * @throws FoveaError `download-failed`, with the next step for a gated, private or missing model; `aborted`.
 */
export async function listHub(model: HubModel, options: HubOptions): Promise<HubListing> {
  const { hubUrl, token } = options;
  const id = `${model.owner}/${model.name}`;
  const home = new URL(id, hubUrl);
  const headers = hubHeaders(token);
  const ask = (url: URL) =>
    fetchJson(url, `hf:${id}`, { signal: options.signal, retry: options.retry, headers, maxBytes: MAX_PAGE_BYTES });
  const api = `api/models/${id}`;

  const isCommit = /^[0-9a-f]{40}$/.test(model.revision);
  const commit = isCommit
    ? model.revision
    : await commitOf(model, ask, new URL(`${api}/revision/${encodeURIComponent(model.revision)}`, hubUrl), options);
  const files = new Map<string, ListedFile>();
  const pages = [new URL(`${api}/tree/${commit}`, hubUrl)];
  const folders = new Set<string>();
  let seen = 0;
  for (let page = pages.pop(); page; page = pages.pop()) {
    const answer: JsonAnswer = await ask(page);
    if (answer.status !== 200) throw refused(model, answer, options);
    const entries = answer.json;
    if (!Array.isArray(entries)) throw badListing(addressText(page), "the answer is not a list");
    seen += entries.length;
    if (seen > MAX_LISTED_FILES || (entries.length === 0 && nextPage(answer, page)))
      throw badListing(addressText(page), `more than ${MAX_LISTED_FILES} files, or pages without files`);
    for (const entry of entries) {
      const file = listedEntry(entry, new URL(`${id}/resolve/${commit}/`, hubUrl));
      if (file) files.set(file.name, file);
      const folder = nestedFolder(entry);
      if (!folder || folders.has(folder)) continue;
      folders.add(folder);
      pages.push(new URL(`${api}/tree/${commit}/${folder}`, hubUrl));
    }
    const next = nextPage(answer, page);
    if (next) pages.push(next);
  }
  return {
    location: `${addressText(home)} at ${commit.slice(0, 12)}`,
    files,
    headers,
    refusalHint: gateHint(home, token),
  };
}

async function commitOf(
  model: HubModel,
  ask: (url: URL) => Promise<JsonAnswer>,
  url: URL,
  options: HubOptions,
): Promise<string> {
  const answer = await ask(url);
  if (answer.status !== 200) throw refused(model, answer, options);
  const commit = isJsonObject(answer.json) ? answer.json.sha : undefined;
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit))
    throw badListing(addressText(url), "the answer has no commit");
  return commit;
}

/** A file of the listing; undefined for entries that no model uses. */
function listedEntry(entry: unknown, folder: URL): ListedFile | undefined {
  const where = addressText(folder);
  if (!isJsonObject(entry) || typeof entry.path !== "string") throw badListing(where, "an entry has no path");
  const { type, path, size, oid, lfs } = entry;
  const [nested] = Object.entries(NESTED_FILES).find(([, parts]) => parts.join("/") === path) ?? [];
  const name = nested ?? path;
  // Skips folders and other paths into them.
  if (type !== "file" || !isModelFile(name)) return undefined;
  const url = new URL(path.split("/").map(encodeURIComponent).join("/"), folder);
  if (!isJsonObject(lfs)) return listedFile(where, url, { name, byteLength: size, algorithm: "git", hex: oid });
  return listedFile(where, url, { name, byteLength: lfs.size, algorithm: "sha256", hex: lfs.oid });
}

/** The name of a folder that may hold nested files; undefined for other entries. */
function nestedFolder(entry: unknown): string | undefined {
  if (!isJsonObject(entry) || entry.type !== "directory") return undefined;
  return Object.values(NESTED_FILES).find(([folder]) => folder === entry.path)?.[0];
}

/** The address in `Link: <...>; rel="next"`. Requests carry the token, so another origin is refused. */
function nextPage(answer: JsonAnswer, from: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(answer.header("Link") ?? "")?.[1];
  if (target === undefined) return undefined;
  const url = URL.canParse(target, from) ? new URL(target, from) : undefined;
  if (url?.origin !== from.origin) throw badListing(addressText(from), "its next page is on another server");
  return url;
}

function gateHint(page: URL, token: string | undefined): string {
  return token === undefined
    ? `accept the model's licence at ${page.href} and pass your access token as hubToken, or download the files and load them from disk`
    : `the token passed as hubToken gives no access; accept the model's licence at ${page.href} with the same account, and allow the token to read gated models`;
}

function refused({ owner, name, revision }: HubModel, answer: JsonAnswer, { hubUrl, token }: HubOptions): FoveaError {
  const id = `${owner}/${name}`;
  const page = new URL(id, hubUrl);
  const code = answer.header("X-Error-Code");
  const fail = (message: string) => new FoveaError("download-failed", `hf:${id}: ${message} (HTTP ${answer.status})`);
  if (code === "GatedRepo") return fail(`the model is gated; ${gateHint(page, token)}`);
  if (code === "RevisionNotFound")
    return fail(`revision ${quoted(revision)} does not exist; see ${page.href}/tree/main`);
  // A hub does not reveal if a private model exists.
  if (answer.status === 401 || answer.status === 403 || answer.status === 404)
    return fail(`no such model on ${hubUrl.host}, or it is private; check the name, or ${gateHint(page, token)}`);
  return fail(`${hubUrl.host} gave an unexpected answer; try again later`);
}
