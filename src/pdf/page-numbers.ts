/** Page numbers as people write them: "1", "2-5, 9". */

/** Pages of one call at most: as many as frames of a video. */
const MAX_PAGES = 64;

/**
 * Page numbers from 1, in the order written and each once.
 *
 * @param pages of the PDF
 * @throws RangeError for text that names no pages, and for pages that the PDF does not have
 */
export function parsePages(text: string, pages: number): number[] {
  const found = new Set<number>();
  for (const part of text.split(",").map((one) => one.trim())) {
    const [, first, last = first] = /^(\d{1,7})(?:\s*[-–]\s*(\d{1,7}))?$/.exec(part) ?? [];
    if (first === undefined) throw new RangeError(`"${part.slice(0, 20)}" is not a page; write 3, or 2-5, or 1, 4`);
    const [from, to] = [Number(first), Number(last)];
    if (from < 1 || to > pages || from > to)
      throw new RangeError(`page ${part} is not in this PDF, whose pages are 1 to ${pages}`);
    if (found.size + to - from >= MAX_PAGES) throw new RangeError(`at most ${MAX_PAGES} pages are read at once`);
    for (let page = from; page <= to; page++) found.add(page);
  }
  return [...found];
}
