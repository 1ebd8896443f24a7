/** Tells PDFs among a user's files, without their library. */

/** Whether a file says that it is a PDF, by its type or its name. Its bytes are not read. */
export function isPdfFile({ name, type }: { name: string; type: string }): boolean {
  return type === "application/pdf" || (type === "" && /\.pdf$/i.test(name));
}
