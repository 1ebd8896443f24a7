/** Finds many texts at once. A regular expression of 20,000 alternatives takes minutes for a text of their first characters. */

interface Node {
  next: Map<number, Node>; // by UTF-16 code unit
  isEnd: boolean;
}

/** A trie of texts by their UTF-16 units. */
export class TokenTrie {
  readonly #root: Node = { next: new Map(), isEnd: false };

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      let node = this.#root;
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        let next = node.next.get(unit);
        if (!next) {
          next = { next: new Map(), isEnd: false };
          node.next.set(unit, next);
        }
        node = next;
      }
      if (text !== "") node.isEnd = true;
    }
  }

  /** End of the longest text that begins at `start`; -1 if none does. */
  endAt(text: string, start: number): number {
    let node: Node | undefined = this.#root;
    let found = -1;
    for (let end = start; node; node = node.next.get(text.charCodeAt(end++))) if (node.isEnd) found = end;
    return found;
  }

  isIn(text: string): boolean {
    for (let at = 0; at < text.length; at++) if (this.endAt(text, at) >= 0) return true;
    return false;
  }
}
