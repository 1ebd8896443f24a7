/** Decodes the strings of a list at once: a call of the decoder for each of 100,000 took a sixth of a load's scripts. */
import { decodeName } from "./header-reader.ts";

/** Strings in the header's bytes: string i lies at starts[i], lengths[i] bytes long. */
export interface StringSlices {
  starts: Uint32Array;
  lengths: Uint32Array;
}

/** The strings; undefined if one of them is not UTF-8. */
export function decodeAll(bytes: Uint8Array, { starts, lengths }: StringSlices): string[] | undefined {
  const joined = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  /** Where each string ends in the decoded text. */
  const ends = new Uint32Array(starts.length);
  let filled = 0;
  let units = 0;
  for (let i = 0; i < starts.length; i++) {
    const end = starts[i]! + lengths[i]!;
    // A character begins in each string: cut in two between neighbours, it would be whole again in the joined bytes.
    if (lengths[i]! > 0 && isContinuation(bytes[starts[i]!]!)) return undefined;
    for (let at = starts[i]!; at < end; at++) {
      const byte = bytes[at]!;
      joined[filled++] = byte;
      // Characters of four bytes are two units.
      if (!isContinuation(byte)) units += byte >= 0xf0 ? 2 : 1;
    }
    ends[i] = units;
  }
  const text = decodeName(joined);
  if (text === undefined) return undefined;
  let start = 0;
  return Array.from(ends, (end) => {
    const string = text.slice(start, end);
    start = end;
    return string;
  });
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
