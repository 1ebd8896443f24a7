/**
 * Hashes of files: of a stream, and of bytes in memory.
 *
 * Browsers have no streaming hash, so whole files, too large for memory, go through @noble/hashes. On a slow core it
 * reaches 50 MB/s, hash-wasm 95, and the browser's own digest of bytes in memory 165. hash-wasm is rejected: WebAssembly
 * needs 'wasm-unsafe-eval' in a page's Content-Security-Policy, and only downloads pass through here. Parts read back
 * from disk are checked with the browser's digest.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** Computes a file's published hash from bytes that come in pieces. */
export class FileHash {
  readonly #hash: ReturnType<typeof sha256.create> | ReturnType<typeof sha1.create>;

  /** @param algorithm "git" is git's id of the file: SHA-1 over a short header with its length, then the bytes. */
  constructor(algorithm: "sha256" | "git", byteLength: number) {
    this.#hash = algorithm === "git" ? sha1.create() : sha256.create();
    if (algorithm === "git") this.update(new TextEncoder().encode(`blob ${byteLength}\0`));
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The hash of all bytes, in lower-case hex. Call it once, after the last update. */
  hex(): string {
    return hexOf(this.#hash.digest());
  }
}

/** SHA-256 of a short string, in lower-case hex. */
export function textSha256(text: string): string {
  return hexOf(sha256(new TextEncoder().encode(text)));
}

/** SHA-256 of bytes in memory, 32 bytes, by the browser. */
export async function digestSha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

/** The bytes as lower-case hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
