/** Whether an encoded picture may be decoded, by its first bytes: for everything that hands a file to the browser's decoder. */
import { FoveaError } from "../errors.ts";
import { isSized, type PictureHeader, readBlobHeader } from "./header.ts";
import { checkEncodedSize, checkPictureSize } from "./limits.ts";

/**
 * Reads a file's header and checks its size.
 *
 * @param name For messages.
 * @returns the header; undefined for an unknown format
 * @throws FoveaError `bad-image` for a file that is empty, can no longer be read, or exceeds limits.ts, and for one whose
 *   format tells its size but this file does not
 */
export async function measurePicture(name: string, blob: Blob): Promise<PictureHeader | undefined> {
  if (blob.size === 0) throw new FoveaError("bad-image", `${name} is empty (0 bytes); pick the file again`);
  checkEncodedSize(name, blob.size);
  let header: PictureHeader | undefined;
  try {
    header = await readBlobHeader(blob);
  } catch (cause) {
    // The picked file was moved, changed or locked.
    throw new FoveaError("bad-image", `${name} can no longer be read; pick the file again`, { cause });
  }
  if (header?.width !== undefined && header.height !== undefined) checkPictureSize(name, header.width, header.height);
  else if (isSized(header?.format))
    // A decoder may still find a size there, which nothing bounds.
    throw new FoveaError(
      "bad-image",
      `${name} is ${header!.format}, which this browser cannot read, or is damaged (${blob.size} bytes); save it as JPEG or PNG`,
    );
  return header;
}
