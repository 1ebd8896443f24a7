/** A GGUF file, or all parts of one that is cut into several, as one table of tensors. */
import { quoted } from "../../../shared/json.ts";
import type { ByteSource, ReadOptions } from "../../byte-source.ts";
import type { ModelFolder } from "../../folder.ts";
import { type GgufHeader, type GgufTensor, readGguf } from "./container.ts";
import { badGguf } from "./header-reader.ts";
import { shardName, shardOf } from "./variants.ts";

export interface GgufFile {
  /** Of the first part, which holds the metadata. */
  readonly header: GgufHeader;
  /** Of all parts. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly sources: readonly ByteSource[];
}

/**
 * Opens the other parts of a file whose first part is open.
 *
 * @throws FoveaError `bad-weights` for a missing part, or parts that do not fit each other; what reading throws
 */
export async function openShards(
  folder: ModelFolder,
  source: ByteSource,
  header: GgufHeader,
  options: ReadOptions,
): Promise<GgufFile> {
  const { metadata, file } = header;
  const count = metadata.integer("split.count", 0, 1024) ?? 1;
  if (count <= 1) return { header, tensors: header.tensors, sources: [source] };
  if (shardOf(file)?.count !== count || metadata.number("split.no") !== 0)
    throw badGguf(
      file,
      `the file is part ${(metadata.number("split.no") ?? 0) + 1} of ${count}; part 2 is missing, for parts are found by their names, NAME-00001-of-${String(count).padStart(5, "0")}.gguf`,
    );
  const sources = [source];
  const tensors = new Map(header.tensors);
  for (let part = 2; part <= count; part++) {
    const name = shardName(file, part, count);
    const next = await folder.open(name, options);
    if (!next) throw badGguf(file, `the file is part 1 of ${count}; part ${part} is missing, ${quoted(name)}`);
    const { metadata: own, tensors: more } = await readGguf(next, options);
    if (own.number("split.no") !== part - 1 || own.number("split.count") !== count)
      throw badGguf(
        name,
        `it is part ${(own.number("split.no") ?? 0) + 1} of ${own.number("split.count")} by its metadata, ${part} of ${count} by its name`,
      );
    for (const [tensor, place] of more) {
      if (tensors.has(tensor)) throw badGguf(name, `tensor ${quoted(tensor)} stands in another part, too`);
      tensors.set(tensor, place);
    }
    sources.push(next);
  }
  const total = metadata.number("split.tensors.count") ?? tensors.size;
  if (total !== tensors.size)
    throw badGguf(file, `its parts hold ${tensors.size} tensors, split.tensors.count is ${total}`);
  return { header, tensors, sources };
}
