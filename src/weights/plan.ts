/**
 * Which ranges of which files to read for a set of tensors. Pure arithmetic; the reading is read-tensors.ts.
 */
import type { TensorEntry } from "./safetensors.ts";

/** Bytes of one file to be read in one go, [start, end), and the tensors in them, in the order of their bytes. */
export interface ReadRange {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly entries: readonly TensorEntry[];
}

export interface ReadPlan {
  /** File after file, each from front to back. */
  readonly ranges: readonly ReadRange[];
  /** Tensors without bytes, for which there is nothing to read. */
  readonly empty: readonly TensorEntry[];
  /** Bytes of all ranges, gaps between tensors included. */
  readonly byteLength: number;
}

/**
 * Unwanted bytes between two tensors up to this many are read through, beyond it skipped with a new request. 1 MiB
 * arrives at 10 MB/s in 0.1 s, about what a request to a far server takes to be answered.
 */
export const MAX_GAP_BYTES = 1 << 20;

/**
 * Orders tensors by file and place, and joins neighbours into ranges.
 *
 * @param wanted In any order; a tensor named twice is read once. Files are read in the order of their first tensor here.
 * @param maxGapBytes The widest gap to read through in a file; Infinity where skipping costs as much as reading.
 */
export function planReads(
  wanted: Iterable<TensorEntry>,
  maxGapBytes: (file: string) => number = () => MAX_GAP_BYTES,
): ReadPlan {
  const empty: TensorEntry[] = [];
  const byFile = new Map<string, TensorEntry[]>();
  for (const entry of new Set(wanted)) {
    if (entry.start === entry.end) empty.push(entry);
    else if (byFile.has(entry.file)) byFile.get(entry.file)!.push(entry);
    else byFile.set(entry.file, [entry]);
  }
  const ranges = [...byFile].flatMap(([file, entries]) => planFile(file, entries, maxGapBytes(file)));
  return { ranges, empty, byteLength: ranges.reduce((sum, { start, end }) => sum + end - start, 0) };
}

function planFile(file: string, entries: TensorEntry[], maxGapBytes: number): ReadRange[] {
  const ranges: { file: string; start: number; end: number; entries: TensorEntry[] }[] = [];
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
