/** Stores a small copy of a model on disk, in this thread. keep-copy.ts loads this file on demand. */
import type { ModelFiles } from "../../api.ts";
import { FoveaError, throwIfAborted } from "../../errors.ts";
import { copySource, originalOf, type SmallCopy, type SmallCopyOptions } from "../../shared/small-copy.ts";
import { storeCopy } from "../../weights/copies.ts";
import { PART_BYTES, withModel } from "../../weights/open-model.ts";
import { publishedModel } from "../../weights/published-model.ts";
import { checkRoom, deleteStoredModel } from "../../weights/storage.ts";
import { packModel } from "./pack-model.ts";

/** As the public `keepSmallCopy`; the options are checked. */
export async function keepSmallCopy(
  source: string | URL | ModelFiles,
  { weights, name, replace = false, onProgress, ...opening }: SmallCopyOptions,
): Promise<SmallCopy> {
  const { signal } = opening;
  const original = nameOf(source, name, opening);
  if (originalOf(original) !== undefined)
    throw new FoveaError("unsupported-model", `${original} is a small copy already; copy the original`);
  const copy = copySource(weights, original);
  let originalBytes = 0;
  const onBytes = ({ totalBytes }: { totalBytes: number }) => {
    originalBytes = totalBytes;
  };
  const made = await withModel(source, { ...opening, onBytes }, (from) =>
    storeCopy(
      copy,
      async (folder) => {
        const { notes } = await packModel(from, folder, {
          ...{ source: original, weights, compact: true, shardBytes: Number.POSITIVE_INFINITY, signal },
          onPlan: (bytes) => checkRoom(copy, bytes),
          ...(onProgress && { onProgress }),
        });
        // An abort before this line changes nothing.
        throwIfAborted(signal, "the small copy");
        return { bytes: folder.byteLength, notes };
      },
      { signal, partBytes: PART_BYTES },
    ),
  );
  const replaced = replace && (await deleteStoredModel(original));
  return { source: copy, ...made, originalBytes, replaced };
}

/** The name under which the original is or would be stored. */
function nameOf(
  source: string | URL | ModelFiles,
  name: string | undefined,
  opening: Pick<SmallCopyOptions, "hubUrl" | "modelsUrl" | "variant">,
): string {
  if (typeof source === "string" || source instanceof URL) return publishedModel(source, opening).key.source;
  if (name === undefined || name === "")
    throw new TypeError("name is missing; give the copy of these files a name, by which it is loaded later");
  return name;
}
