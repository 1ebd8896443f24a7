/** Files that come with the package, in Node. No other code opens an address as a file of this machine. */
import { FoveaError } from "../errors.ts";
import { type ByteSource, blobSource } from "./byte-source.ts";

/** Opens the file at a file: address. Throws FoveaError `download-failed` if it cannot be read. Node only. */
export async function openLocalFile(url: URL, name: string): Promise<ByteSource> {
  try {
    // getBuiltinModule keeps Node's modules out of a page's bundle.
    const { openAsBlob } = process.getBuiltinModule("node:fs");
    const { fileURLToPath } = process.getBuiltinModule("node:url");
    return blobSource(name, await openAsBlob(fileURLToPath(url.href)));
  } catch (cause) {
    throw new FoveaError(
      "download-failed",
      `${name}: ${url.pathname} cannot be read; install the package fovea-demo-model`,
      {
        cause,
      },
    );
  }
}
