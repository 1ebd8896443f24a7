/** Files that a package has brought along, where it runs in Node: the one place where an address may be of this machine. */
import { FoveaError } from "../errors.ts";
import { type ByteSource, blobSource } from "./byte-source.ts";

/** A file behind a file: address. Throws FoveaError `download-failed` if there is none. Node only. */
export async function openLocalFile(url: URL, name: string): Promise<ByteSource> {
  try {
    // Asked for in this way, nothing of Node gets into a page's bundle.
    const { openAsBlob } = process.getBuiltinModule("node:fs");
    const { fileURLToPath } = process.getBuiltinModule("node:url");
    return blobSource(name, await openAsBlob(fileURLToPath(url.href)));
  } catch (cause) {
    throw new FoveaError("download-failed", `${name}: ${url.pathname} cannot be read; install the package again`, {
      cause,
    });
  }
}
