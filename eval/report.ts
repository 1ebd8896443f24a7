/** stub */
export function writeReport(_: unknown): { summary: string; files: string[] } {
  return { summary: "", files: [] };
}
