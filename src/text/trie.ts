/** A set of texts, each with a value, in which all that begin at a place are found in one walk. */

interface Node<V> {
  readonly children: Map<number, Node<V>>;
  value: V | undefined;
}

export class Trie<V> {
  readonly #root: Node<V> = { children: new Map(), value: undefined };
  #size = 0;

  /** Number of texts. */
  get size(): number {
    return this.#size;
  }

  /** Adds `text`, or gives it another value. */
  add(text: string, value: V): void {
    let node = this.#root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let child = node.children.get(unit);
      if (!child) {
        child = { children: new Map(), value: undefined };
        node.children.set(unit, child);
      }
      node = child;
    }
    if (node.value === undefined) this.#size++;
    node.value = value;
  }

  /** Calls `visit(end, value)` for each text that stands at `start`, shortest first; `end` is exclusive. */
  forEachPrefix(text: string, start: number, visit: (end: number, value: V) => void): void {
    let node: Node<V> | undefined = this.#root;
    for (let i = start; i < text.length; i++) {
      node = node.children.get(text.charCodeAt(i));
      if (!node) return;
      if (node.value !== undefined) visit(i + 1, node.value);
    }
  }
}
