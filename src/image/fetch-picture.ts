/**
 * Fetches a picture from an address, in one request. Model files are fetched by the weights room, with ranges, resuming
 * and hashes.
 */
import { FoveaError, orAborted, orTimedOut, throwIfAborted } from "../errors.ts";
import { checkEncodedSize } from "./limits.ts";

export interface FetchedPicture {
  /** For messages: the address without its query, which may contain a token. */
  name: string;
  blob: Blob;
}

const SCHEMES = ["http:", "https:", "blob:", "data:"];

/** A server that sends nothing for this long has failed. */
export const PICTURE_STALL_MS = 20_000;

/**
 * Fetches `address`, relative to the page or worker. An abort ends it at once, and so does a server that sends nothing.
 *
 * @throws TypeError for an invalid address or another scheme; FoveaError `download-failed`, `bad-image` for more
 *   bytes than `limits.ts` allows or a malformed data URL, `aborted`
 */
export async function fetchPicture(address: string, signal: AbortSignal | undefined): Promise<FetchedPicture> {
  if (/^data:/i.test(address)) {
    const blob = decodeBase64Url(address);
    if (blob) return { name: shortName(address), blob };
  }
  const url = parseAddress(address);
  const name = shortName(url.protocol === "data:" ? address : url.href.replace(/[?#].*$/s, ""));
  // Ends the transfer whenever the wait for it ends.
  const transfer = new AbortController();
  const arrival = <T>(promise: Promise<T>) =>
    orAborted(
      orTimedOut(promise, PICTURE_STALL_MS, () => stalled(name)),
      signal,
      `download of ${name}`,
    );
  try {
    const response = await arrival(fetch(url, { signal: transfer.signal }));
    if (!response.ok)
      throw new FoveaError(
        "download-failed",
        `${name}: the server answered HTTP ${response.status}; check the address of the picture`,
      );
    return { name, blob: await readBody(response, name, arrival) };
  } catch (cause) {
    throwIfAborted(signal, `download of ${name}`);
    if (cause instanceof FoveaError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError(
      "download-failed",
      `${name} could not be fetched (${reason}): no connection, or its server blocks other sites (CORS). Download the picture and pass the file`,
      { cause },
    );
  } finally {
    transfer.abort();
  }
}

/** Nothing arrived for `PICTURE_STALL_MS`. */
function stalled(name: string): FoveaError {
  const message = `${name}: nothing arrived for ${PICTURE_STALL_MS / 1000} s; check the address, or download the picture and pass the file`;
  return new FoveaError("download-failed", message);
}

/** At most 80 characters of an address; of a data URL only its header. */
function shortName(address: string): string {
  const text = /^data:/i.test(address) ? `${address.slice(0, address.indexOf(",") + 1 || 60)}...` : address;
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

function parseAddress(address: string): URL {
  let url: URL;
  try {
    // An empty string would be the page itself.
    if (address.trim() === "") throw new TypeError("it is empty");
    url = new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new TypeError(`image ${JSON.stringify(shortName(address))} is not the address of a picture`, { cause });
  }
  if (!SCHEMES.includes(url.protocol))
    throw new TypeError(`image ${shortName(address)}: supported addresses begin with ${SCHEMES.join(", ")}`);
  return url;
}

/** Reads a body, with a limit on its length. @param arrival waits for a chunk */
async function readBody(
  response: Response,
  name: string,
  arrival: <T>(promise: Promise<T>) => Promise<T>,
): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body?.getReader();
  let byteLength = 0;
  while (reader) {
    const { done, value } = await arrival(reader.read());
    if (done) break;
    byteLength += value.byteLength;
    try {
      checkEncodedSize(name, byteLength);
    } catch (error) {
      await reader.cancel();
      throw error;
    }
    chunks.push(value);
  }
  return new Blob(chunks, { type: response.headers.get("content-type") ?? "" });
}

/**
 * A base64 data URL's bytes, without `fetch`, which a page's Content-Security-Policy may forbid for `data:`. Undefined for
 * data URLs in other encodings.
 */
function decodeBase64Url(address: string): Blob | undefined {
  const comma = address.indexOf(",");
  const match = /^data:([^,;]*)[^,]*;\s*base64\s*$/i.exec(address.slice(0, Math.max(comma, 0)));
  if (!match) return undefined;
  const name = shortName(address);
  checkEncodedSize(name, Math.floor((address.length - comma) * 0.75));
  let binary: string;
  try {
    binary = atob(decodeURIComponent(address.slice(comma + 1)));
  } catch (cause) {
    throw new FoveaError("bad-image", `${name} is not valid base64; it was cut or changed, make it again`, {
      cause,
    });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Blob([bytes], { type: match[1]! });
}
