/**
 * Plans which ranges of which files to read for a set of tensors. Pure; read-tensors.ts reads.
 */

/** Bytes [start, end) of a file. */
export interface FileRange {
  /** Name of the contents, for messages. */
  readonly name: string;
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** A range [start, end) of one file, read in one request, and its wanted entries in the order of their bytes. */
export interface ReadRange<T extends FileRange = FileRange> {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly entries: readonly T[];
}

export interface ReadPlan<T extends FileRange = FileRange> {
  /** File after file, each from start to end. */
  readonly ranges: readonly ReadRange<T>[];
  /** Tensors without bytes, for which there is nothing to read. */
  readonly empty: readonly T[];
  /** Bytes of all ranges, gaps between tensors included. */
  readonly byteLength: number;
}

/**
 * Gaps between tensors up to this length are read; longer ones are skipped with a new request. 1 MiB takes 0.1 s at 10
 * MB/s, about the latency of a far server.
 */
export const MAX_GAP_BYTES = 1 << 20;

/**
 * Sorts tensors by file and offset, and joins neighbours into ranges.
 *
 * @param wanted in any order; a tensor named twice is read once. Files are read in the order of their first tensor here.
 * @param maxGapBytes the widest gap to read through in a file; Infinity if skipping costs as much as reading
 */
export function planReads<T extends FileRange>(
  wanted: Iterable<T>,
  maxGapBytes: (file: string) => number = () => MAX_GAP_BYTES,
): ReadPlan<T> {
  const empty: T[] = [];
  const byFile = new Map<string, T[]>();
  for (const entry of new Set(wanted)) {
    if (entry.start === entry.end) empty.push(entry);
    else if (byFile.has(entry.file)) byFile.get(entry.file)!.push(entry);
    else byFile.set(entry.file, [entry]);
  }
  const ranges = [...byFile].flatMap(([file, entries]) => planFile(file, entries, maxGapBytes(file)));
  return { ranges, empty, byteLength: ranges.reduce((sum, { start, end }) => sum + end - start, 0) };
}

function planFile<T extends FileRange>(file: string, entries: T[], maxGapBytes: number): ReadRange<T>[] {
  const ranges: { file: string; start: number; end: number; entries: T[] }[] = [];
  for (const entry of entries.sort((a, b) => a.start - b.start)) {
    const last = ranges.at(-1);
    if (last && entry.start < last.end)
      throw new RangeError(`tensors ${last.entries.at(-1)!.name} and ${entry.name} overlap in ${file}`);
    if (last && entry.start - last.end <= maxGapBytes) {
      last.end = entry.end;
      last.entries.push(entry);
    } else ranges.push({ file, start: entry.start, end: entry.end, entries: [entry] });
  }
  return ranges;
}
