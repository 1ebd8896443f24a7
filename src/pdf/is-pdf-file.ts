/** Recognises PDFs among a user's files, without their library. */

/** True if a file's type or name is that of a PDF. Its bytes are not read. */
export function isPdfFile({ name, type }: { name: string; type: string }): boolean {
  return type === "application/pdf" || (type === "" && /\.pdf$/i.test(name));
}
