/**
 * Hashes of files: of a stream, and of bytes at hand. What they are compared with is the readers' matter.
 *
 * Browsers have no streaming hash of their own, so that whole files, too large to be held, go through @noble/hashes. On
 * a slow core that made 50 MB/s, hash-wasm made 95 and the browser's own digest of bytes at hand 165. Still the plain
 * one: WebAssembly needs 'wasm-unsafe-eval' in a page's Content-Security-Policy, and only a download passes through
 * here. Whatever is read back from disk is checked part by part with the browser's own.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** A file's published hash, worked out from bytes that come in pieces. */
export class FileHash {
  readonly #hash: ReturnType<typeof sha256.create> | ReturnType<typeof sha1.create>;

  /** @param algorithm "git" is the id that git gives to the file: SHA-1 behind a short header with its length. */
  constructor(algorithm: "sha256" | "git", byteLength: number) {
    this.#hash = algorithm === "git" ? sha1.create() : sha256.create();
    if (algorithm === "git") this.update(new TextEncoder().encode(`blob ${byteLength}\0`));
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The hash of all that came, in lower-case hex. Nothing may come afterwards. */
  hex(): string {
    return hexOf(this.#hash.digest());
  }
}

/** SHA-256 of a short text, in lower-case hex. */
export function textSha256(text: string): string {
  return hexOf(sha256(new TextEncoder().encode(text)));
}

/** SHA-256 of bytes at hand, 32 bytes, by the browser's own code. */
export async function digestSha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
