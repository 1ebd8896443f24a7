/**
 * A server that behaves like a hub: commits, listings in pages with lengths and hashes, large files redirected to
 * another origin (Git LFS or Xet), gated and private models, tokens. Records requests and their authorization. Node only.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const HUB_TOKEN = "hf_aTokenThatNobodyElseMaySee";
/** A hash of its own kind, which nobody who reads plain bytes can check. */
const XET_HASH = "8d".repeat(32);
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "Authorization, Range",
  "Access-Control-Expose-Headers":
    "X-Error-Code, ETag, Link, Accept-Ranges, Content-Range, X-Linked-Size, X-Linked-ETag, X-Xet-Hash, RateLimit",
};

export interface HubRequest {
  origin: "hub" | "cdn";
  path: string;
  authorization: string | undefined;
  range: string | undefined;
}

export interface HubServer {
  /** Ends in a slash. */
  url: string;
  cdnUrl: string;
  requests: HubRequest[];
  /** Bytes of files that were sent. */
  servedBytes: number;
  /** Bytes after which the sending of large files stops, without an end. */
  stallsAfterBytes: number;
  /** Replaces an answer of the hub itself; undefined lets it be. */
  override: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** The same for the origin with the large files. */
  cdnOverride: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Publishes new files as a new commit of the branch "main". Returns the commit. */
  publish(files: Record<string, Uint8Array>): string;
  close(): Promise<void>;
}

export interface HubOptions {
  /** "gated" lists for everybody and gives files to the token's owner; "private" is not there for anybody else. */
  access?: "open" | "gated" | "private";
  pageSize?: number;
  /** Published in place of a file's own SHA-256. */
  wrongHash?: string;
  /** Where large files are; in both, a listing has their SHA-256. */
  storage?: "lfs" | "xet";
}

/** Serves the model "someone/tiny". */
export async function startHub(files: Record<string, Uint8Array>, options: HubOptions = {}): Promise<HubServer> {
  const commits = new Map<string, Record<string, Uint8Array>>();
  let main = "";
  const hub: HubServer = {
    ...{
      url: "",
      cdnUrl: "",
      requests: [],
      servedBytes: 0,
      stallsAfterBytes: Number.POSITIVE_INFINITY,
      override: undefined,
      cdnOverride: undefined,
    },
    publish(published) {
      main = createHash("sha1").update(String(commits.size)).digest("hex");
      commits.set(main, published);
      return main;
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  const note = (origin: HubRequest["origin"], { url = "", headers }: IncomingMessage) => {
    hub.requests.push({ origin, path: url, authorization: headers.authorization, range: headers.range });
  };

  const cdn = (request: IncomingMessage, response: ServerResponse) => {
    const [, commit = "", name = ""] = /^\/(?:xet-bridge\/)?([^/]+)\/(.+)\?.*signature=abc$/.exec(request.url!) ?? [];
    const bytes = commits.get(commit)?.[decodeURIComponent(name)];
    if (bytes) sendFile(hub, request, response, bytes);
    else response.writeHead(403, CORS).end();
  };

  const servers = [
    createServer((request, response) => {
      if (request.method === "OPTIONS") return void response.writeHead(204, CORS).end();
      note("hub", request);
      if (!hub.override?.(request, response)) answer({ hub, commits, main, ...options }, request, response);
    }),
    createServer((request, response) => {
      if (request.method === "OPTIONS") return void response.writeHead(204, CORS).end();
      note("cdn", request);
      if (!hub.cdnOverride?.(request, response)) cdn(request, response);
    }),
  ];
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const [url, cdnUrl] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  Object.assign(hub, { url, cdnUrl });
  hub.publish(files);
  return hub;
}

/** A hub's state: commit -> files, and the commit of "main". */
interface PublishedModel extends HubOptions {
  hub: HubServer;
  commits: ReadonlyMap<string, Record<string, Uint8Array>>;
  main: string;
}

/** Answers as the hub's own origin: revisions, listings, small files, and redirects for large ones. */
function answer(model: PublishedModel, request: IncomingMessage, response: ServerResponse) {
  const { hub, commits, main, access = "open", pageSize = 1000, wrongHash, storage = "lfs" } = model;
  const { pathname, searchParams } = new URL(request.url!, hub.url);
  const mayRead = access === "open" || request.headers.authorization === `Bearer ${HUB_TOKEN}`;
  const refuse = (status: number, code?: string) =>
    void response.writeHead(status, { ...CORS, ...(code && { "X-Error-Code": code }) }).end('{"error":"no"}');
  const json = (value: unknown, headers = {}) =>
    void response
      .writeHead(200, { ...CORS, "Content-Type": "application/json", ...headers })
      .end(JSON.stringify(value));
  // As the hub, which does not reveal that a model exists.
  if (!/^\/(api\/models\/)?someone\/tiny\//.test(pathname) || (access === "private" && !mayRead)) return refuse(401);
  const revision = /\/revision\/([^/]+)$/.exec(pathname)?.[1];
  if (revision) {
    const commit = decodeURIComponent(revision) === "main" ? main : decodeURIComponent(revision);
    return commits.has(commit) ? json({ sha: commit }) : refuse(404, "RevisionNotFound");
  }
  const [, kind, commit = "", name = ""] = /\/(tree|resolve)\/([^/]+)(?:\/(.+))?$/.exec(pathname) ?? [];
  const published = commits.get(commit);
  if (!kind || !published) return refuse(404, "RevisionNotFound");
  if (kind === "tree") {
    const from = Number(searchParams.get("cursor") ?? 0);
    const entries = Object.entries(published).map(([path, bytes]) => entryOf(path, bytes, wrongHash, storage));
    const next = `<${hub.url}api/models/someone/tiny/tree/${commit}?cursor=${from + pageSize}>; rel="next"`;
    return json(entries.slice(from, from + pageSize), from + pageSize < entries.length ? { Link: next } : {});
  }
  if (!mayRead) return refuse(401, "GatedRepo");
  const bytes = published[decodeURIComponent(name)];
  if (!bytes) return refuse(404, "EntryNotFound");
  if (!isLarge(name)) return sendFile(hub, request, response, bytes);
  redirect(model, response, { commit, name, bytes });
}

/** Sends a client to the large file's other origin. */
function redirect(
  { hub, storage = "lfs" }: PublishedModel,
  response: ServerResponse,
  { commit, name, bytes }: { commit: string; name: string; bytes: Uint8Array },
) {
  const linked = { ...CORS, "X-Linked-Size": bytes.length, "X-Linked-ETag": `"${sha256Of(bytes)}"` };
  if (storage === "lfs")
    response.writeHead(302, { ...linked, Location: `${hub.cdnUrl}${commit}/${name}?signature=abc` }).end();
  else {
    // For clients that speak Xet; all others follow the redirect to a bridge that gives plain bytes.
    const links = [
      `<${hub.url}api/models/someone/tiny/xet-read-token/${commit}>; rel="xet-auth"`,
      `<${hub.cdnUrl}reconstruction/${XET_HASH}>; rel="xet-reconstruction-info"`,
    ];
    const Location = `${hub.cdnUrl}xet-bridge/${commit}/${name}?X-Amz-Expires=3600&signature=abc`;
    response.writeHead(302, { ...linked, "X-Xet-Hash": XET_HASH, Link: links.join(", "), Location }).end();
  }
}

/** True for files that the hub keeps in large-file storage. */
function isLarge(name: string): boolean {
  return name.endsWith(".safetensors");
}

function entryOf(path: string, bytes: Uint8Array, wrongHash: string | undefined, storage: "lfs" | "xet"): object {
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  if (!isLarge(path)) return { type: "file", path, size: bytes.length, oid };
  const sha256 = wrongHash ?? sha256Of(bytes);
  return {
    type: "file",
    path,
    size: bytes.length,
    oid: "0".repeat(40),
    lfs: { oid: sha256, size: bytes.length, pointerSize: 130 },
    ...(storage === "xet" && { xetHash: XET_HASH }),
  };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function sendFile(hub: HubServer, request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = match ? Number(match[1]) : 0;
  const end = match?.[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length;
  const sent = Math.min(end - start, hub.stallsAfterBytes - hub.servedBytes);
  hub.servedBytes += sent;
  const range = match ? { "Content-Range": `bytes ${start}-${end - 1}/${bytes.length}` } : {};
  response.writeHead(match ? 206 : 200, {
    ...CORS,
    ...range,
    "Content-Length": end - start,
    ETag: `"${bytes.length}"`,
  });
  response.write(bytes.subarray(start, start + sent));
  if (sent === end - start) response.end();
}
