/**
 * Fetches a picture from an address, in one request. Model files are fetched by the weights room, with ranges, resuming
 * and hashes.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { checkEncodedSize } from "./limits.ts";

export interface FetchedPicture {
  /** For messages: the address without its query, which may contain a token. */
  name: string;
  blob: Blob;
}

const SCHEMES = ["http:", "https:", "blob:", "data:"];

/**
 * Fetches `address`, relative to the page or worker.
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
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok)
      throw new FoveaError(
        "download-failed",
        `${name}: the server answered HTTP ${response.status}; check the address of the picture`,
      );
    return { name, blob: await readBody(response, name) };
  } catch (cause) {
    throwIfAborted(signal, `download of ${name}`);
    if (cause instanceof FoveaError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError(
      "download-failed",
      `${name} could not be fetched (${reason}): no connection, or its server blocks other sites (CORS). Download the picture and pass the file`,
      { cause },
    );
  }
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

/** Reads a body, with a limit on its length. */
async function readBody(response: Response, name: string): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body?.getReader();
  let byteLength = 0;
  while (reader) {
    const { done, value } = await reader.read();
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
