/** GPT-2's bijection between bytes and printable characters, on which byte-level BPE works. */

/** Character of each byte: itself where it is printable Latin-1, otherwise the next free one from U+0100. */
export const BYTE_TO_CHARACTER: readonly string[] = table();

export const CHARACTER_TO_BYTE: ReadonlyMap<string, number> = new Map(
  BYTE_TO_CHARACTER.map((character, byte) => [character, byte]),
);

const utf8 = new TextEncoder();

/** The UTF-8 bytes of `text`, each as its character. */
export function toByteCharacters(text: string): string {
  // Most text is ASCII without spaces and stays as it is.
  if (/^[!-~]*$/.test(text)) return text;
  let result = "";
  for (const byte of utf8.encode(text)) result += BYTE_TO_CHARACTER[byte];
  return result;
}

/** The bytes of a byte-level token; of a token outside the alphabet (an added one) its UTF-8 bytes. */
export function fromByteCharacters(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHARACTER_TO_BYTE.get(token[i]!);
    if (byte === undefined) return utf8.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

function table(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}
