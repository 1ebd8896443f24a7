/** Which of several quantisations is read where the caller names none: the best that fits the device and the storage. */
import type { ModelFolder } from "../../folder.ts";
import type { OpenOptions, Room } from "../format.ts";
import { isPreferred, shardNames, type Variant } from "./variants.ts";

interface Sized {
  variant: Variant;
  bytes: number;
  missingBytes: number;
}

/** The candidates with the one to read first, and why, where that is not the first of the list. */
export interface Fitting {
  candidates: readonly Variant[];
  reason?: string;
}

/**
 * @param candidates best first
 * @throws as `ModelFolder.names`
 */
export async function fittingFirst(
  folder: ModelFolder,
  candidates: readonly Variant[],
  options: OpenOptions,
): Promise<Fitting> {
  const { sizeOf } = folder;
  // Others are read only where there is none of these.
  const known = candidates.filter(isPreferred);
  if (!sizeOf || !options.room || known.length < 2) return { candidates };
  const sized = await Promise.all(
    known.map(async (variant): Promise<Sized> => {
      const sizes = await Promise.all(shardNames(variant.file).map((name) => sizeOf(name, options)));
      const sum = (key: "bytes" | "missingBytes") => sizes.reduce((total, size) => total + (size?.[key] ?? 0), 0);
      return { variant, bytes: sum("bytes"), missingBytes: sum("missingBytes") };
    }),
  );
  const room = await options.room();
  const smallest = sized.reduce((least, one) => (one.bytes < least.bytes ? one : least));
  const [first] = sized as [Sized];
  const found = sized.find((one) => problemOf(one, room) === undefined) ?? smallest;
  if (found === first) return { candidates };
  await folder.expect?.(shardNames(found.variant.file), options);
  return {
    candidates: [found.variant, ...candidates.filter((one) => one !== found.variant)],
    reason: `${first.variant.label} ${problemOf(first, room)}`,
  };
}

function problemOf({ bytes, missingBytes }: Sized, { gpuBytes, storageBytes }: Room): string | undefined {
  if (bytes > gpuBytes) return `has ${bytes} bytes, about ${gpuBytes} are taken to fit this device`;
  if (missingBytes > storageBytes) return `needs ${missingBytes} more bytes of storage, ${storageBytes} are free`;
  return undefined;
}
