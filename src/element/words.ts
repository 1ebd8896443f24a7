/** Maps words between an answer's text and its rendered elements. */

/** A half-open range of an answer's text, in UTF-16 units. */
export interface TextRange {
  start: number;
  end: number;
}

const WORD = "word";

/** The words' elements below `root`, in order. */
export function wordsBelow(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(`.${WORD}`)];
}

/**
 * Wraps each word below `root` in an element with its offset in `source`, the rendered text. Words keep their order, so
 * each search starts after the previous word. Text that rendering added stays unwrapped.
 */
export function markWords(root: Node, source: string): void {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  let cursor = 0;
  for (const text of texts) {
    const parts = document.createDocumentFragment();
    for (const piece of text.data.split(/(\s+)/)) {
      const start = piece.trim() === "" ? -1 : source.indexOf(piece, cursor);
      if (start < 0) {
        parts.append(piece);
        continue;
      }
      cursor = start + piece.length;
      parts.append(wordElement(piece, start));
    }
    text.replaceWith(parts);
  }
}

function wordElement(word: string, start: number): HTMLElement {
  const element = document.createElement("span");
  element.className = WORD;
  element.dataset.start = String(start);
  element.textContent = word;
  return element;
}

/** The range of a word's element; undefined for any other target. */
export function rangeOf(target: EventTarget | null): TextRange | undefined {
  if (!(target instanceof HTMLElement) || !target.classList.contains(WORD)) return undefined;
  const start = Number(target.dataset.start);
  return { start, end: start + (target.textContent ?? "").length };
}
