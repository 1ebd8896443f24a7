/**
 * A checkpoint: one safetensors file, or the shards that an index file lists, as one table of tensors. Reads headers
 * only; independent of models.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import type { ByteSource, ReadOptions } from "./byte-source.ts";
import { isPlainFileName, type ModelFolder } from "./folder.ts";
import type { PackedFiles } from "./formats/packed-files.ts";
import type { StoredTensor } from "./formats/stored-tensor.ts";
import { storedTensors } from "./formats/stored-tensors.ts";
import { INDEX_FILE, readSafetensorsHeader, SINGLE_FILE, type TensorEntry } from "./safetensors.ts";

export interface Checkpoint {
  /** Every tensor, by the name that its family uses. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The files that hold them, by name. */
  readonly files: ReadonlyMap<string, ByteSource>;
  /** The file and its own name of a tensor, if that name differs; for messages. */
  nameInFile?(name: string): string | undefined;
  /** Length of these files together. */
  readonly byteLength: number;
  /** Remarks for the user about the reading of these files, a sentence each. */
  readonly notes?: readonly string[];
}

/** The largest published checkpoints have about 300 shards; each costs a request before anything can be checked. */
const MAX_SHARDS = 1024;

/** Headers read in parallel: the number of connections that a browser opens to one HTTP/1.1 server. */
const PARALLEL_HEADERS = 6;

/**
 * Finds a folder's weights and reads their headers. A single file wins over an index, as in transformers.
 *
 * The index's `total_size` is ignored: published ones disagree about what it counts (tied tensors, other dtypes), and
 * every header is checked against its own file.
 *
 * @param options.config config.json, which says whether the weights are packed
 * @throws FoveaError `bad-weights` for a folder without weights, a damaged header, or an index that does not fit its
 * shards; `download-failed`, `aborted`.
 */
export async function openCheckpoint(
  folder: ModelFolder,
  { signal, config = {} }: ReadOptions & { config?: PackedFiles["config"] } = {},
): Promise<Checkpoint> {
  const json = (name: string) => folder.json(name, { signal });
  const single = await folder.open(SINGLE_FILE, { signal });
  if (single) {
    const { tensors: entries } = await readSafetensorsHeader(single, { signal });
    const files = new Map([[single.name, single]]);
    const stored = await storedTensors({ entries, config, files, json }, { signal });
    return { ...stored, files, byteLength: single.byteLength };
  }
  const index = await folder.json(INDEX_FILE, { signal, uniqueKeys: true });
  if (index === undefined)
    throw new FoveaError(
      "bad-weights",
      `no weights in ${folder.location}: found neither ${SINGLE_FILE} nor ${INDEX_FILE}; convert weights of other formats to safetensors`,
    );
  const { entries, files } = await openShards(folder, parseWeightMap(index), signal);
  const byteLength = [...files.values()].reduce((sum, source) => sum + source.byteLength, 0);
  return { ...(await storedTensors({ entries, config, files, json }, { signal })), files, byteLength };
}

/** Tensor name -> shard. Checks that every shard is a plain name of a safetensors file. */
function parseWeightMap(index: unknown): Map<string, string> {
  const weightMap = isJsonObject(index) ? index.weight_map : undefined;
  if (!isJsonObject(weightMap)) throw badIndex("weight_map is not an object");
  const shards = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== "string") throw badIndex(`the shard of tensor ${quoted(tensor)} is not a string`);
    if (!isPlainFileName(shard) || !shard.endsWith(".safetensors"))
      throw badIndex(`the shard ${quoted(shard)} of tensor ${quoted(tensor)} is not a safetensors file in this folder`);
    shards.set(tensor, shard);
  }
  if (shards.size === 0) throw badIndex("weight_map is empty");
  return shards;
}

async function openShards(
  folder: ModelFolder,
  weightMap: ReadonlyMap<string, string>,
  signal: AbortSignal | undefined,
): Promise<Pick<PackedFiles, "entries" | "files">> {
  const names = [...new Set(weightMap.values())];
  if (names.length > MAX_SHARDS) throw badIndex(`it lists ${names.length} shards, the limit is ${MAX_SHARDS}`);
  const shards = await mapBounded(names, PARALLEL_HEADERS, signal, async (name, signal) => {
    const source = await folder.open(name, { signal });
    if (!source) throw badIndex(`the shard ${quoted(name)} is missing in ${folder.location}`);
    return { source, tensors: (await readSafetensorsHeader(source, { signal })).tensors };
  });

  // An index may list tensors that no shard holds, or omit some. Only the model's tensors matter, and matching reports
  // missing ones.
  const tensors = new Map<string, TensorEntry>();
  for (const shard of shards)
    for (const entry of shard.tensors.values()) {
      const { name, file } = entry;
      const listed = weightMap.get(name);
      if (listed !== undefined && listed !== file)
        throw badIndex(
          `the shard ${quoted(file)} holds tensor ${quoted(name)}, which the index puts into ${quoted(listed)}`,
        );
      const other = tensors.get(name);
      if (other)
        throw badIndex(`the shards ${quoted(other.file)} and ${quoted(file)} both hold tensor ${quoted(name)}`);
      tensors.set(name, entry);
    }
  return { entries: tensors, files: new Map(shards.map(({ source }) => [source.name, source])) };
}

function badIndex(message: string): FoveaError {
  return new FoveaError(
    "bad-weights",
    `${INDEX_FILE}: ${message}; fetch index and shards again, both from one revision`,
  );
}

/** Maps items in order, at most `limit` at a time; the first failure aborts the others. */
async function mapBounded<T, U>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  map: (item: T, signal: AbortSignal) => Promise<U>,
): Promise<U[]> {
  throwIfAborted(signal, "reading of the weights' headers");
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  const results: U[] = new Array(items.length);
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await map(items[i]!, controller.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
    return results;
  } finally {
    // After a failure this ends the other transfers; Promise.all already handles their rejections.
    controller.abort();
    signal?.removeEventListener("abort", abort);
  }
}
