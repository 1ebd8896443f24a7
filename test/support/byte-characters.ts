/** The alphabet of byte-level tokenizers, by its definition. */

/** GPT-2's printable stand-in for each byte. */
export function byteCharacters(): string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}
