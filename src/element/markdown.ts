/**
 * A model's answer, written in Markdown, as elements of the page. An answer is hostile: whoever wrote the picture, the
 * question or the weights may have written it too.
 *
 * marked reads the text, and what it has read is built here, element by element, from a list of kinds that are known.
 * There is never a string of HTML, so that there is nothing to sanitise: tags in an answer are its text, pictures are
 * links, links are vetted, and no element that is made here asks for anything from anywhere. Rejected: HTML from a
 * renderer and DOMPurify behind it (8 kB more, a second parser that has to agree with the browser's, and refused by
 * pages with Trusted Types), markdown-it (twice marked's size), micromark (its events are further from a tree).
 */
import { Lexer, type MarkedToken, type Token, Tokenizer, type Tokens } from "marked";
import { decodeReferences } from "./character-references.ts";
import { makeLink, safeAddress } from "./safe-link.ts";

/** Deeper nesting is shown as it was written. */
const MAX_DEPTH = 16;
/** Longer texts and lines are shown as they were written: to read them can take time in the square of their length. */
const MAX_LENGTH = 20_000;
const LONG_LINE = /[^\n]{4000}/;
/** More quotes and lists in each other than prose has; marked goes down into each by a call of its own. */
const ABSURD_NESTING = /(?:(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])[ \t]{0,9}){24}/;

/** Blocks that an element shows now, with what they were made from. */
const shown = new WeakMap<Element, { key: string; node: Node }[]>();

/** The whole text as a fragment. */
export function renderMarkdown(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocksOf(text).map(({ make }) => make()));
  return fragment;
}

/**
 * Lets an element show the text, which may have grown since the last call: blocks in front that are the same stay the
 * same nodes, with what the reader has selected or scrolled. The element's children belong to this function from the
 * first call on.
 */
export function updateMarkdown(host: Element, text: string): void {
  const before = shown.get(host) ?? [];
  const blocks = blocksOf(text);
  let same = 0;
  while (same < before.length && before[same]?.key === blocks[same]?.key) same++;
  const added = blocks.slice(same).map(({ key, make }) => ({ key, node: make() }));
  if (before.length === 0) host.replaceChildren();
  for (const { node } of before.slice(same)) node.parentNode?.removeChild(node);
  host.append(...added.map(({ node }) => node));
  shown.set(host, [...before.slice(0, same), ...added]);
}

/** The text as it is read out: what the elements say, a line for each block. */
export function plainText(text: string): string {
  return blocksOf(text)
    .map(({ make }) => make().textContent ?? "")
    .filter((line) => line.trim() !== "")
    .join("\n");
}

interface Block {
  /** Blocks of the same key look the same. */
  key: string;
  make: () => Node;
}

function blocksOf(text: string): Block[] {
  const tokens = lex(text);
  if (!tokens) return [{ key: `plain ${text}`, make: () => element("p", [plain(text)]) }];
  // A reference's address may stand anywhere below.
  const links = Object.keys(tokens.links).length > 0 ? JSON.stringify(tokens.links) : "";
  return tokens
    .filter(({ type }) => type !== "space" && type !== "def")
    .map((token) => ({ key: `${token.type} ${token.raw}${links}`, make: () => wholeBlock(token) }));
}

/** HTML is text, but for the line break, which is the one way to have two lines in a table's cell. */
class TextTokenizer extends Tokenizer {
  override html(): undefined {}

  override tag(source: string): Tokens.Tag | undefined {
    const raw = /^<br\s{0,9}\/?>/i.exec(source)?.[0];
    // A line break is what it is for us; marked's type knows only tags here.
    return raw === undefined ? undefined : ({ type: "br", raw } as unknown as Tokens.Tag);
  }
}

/** Undefined for what is not to be read as Markdown. */
function lex(text: string): ReturnType<typeof Lexer.lex> | undefined {
  if (text.length > MAX_LENGTH || LONG_LINE.test(text) || ABSURD_NESTING.test(text)) return undefined;
  try {
    // Own options: what a page has told marked for itself is not for hostile text. A line's end is one, as in a chat.
    return Lexer.lex(text, { gfm: true, breaks: true, tokenizer: new TextTokenizer() });
  } catch {
    // Whatever a parser has to say about hostile text, its reader still wants to see it.
    return undefined;
  }
}

/** A block as one element, so that it can be told from its neighbours and taken away. */
function wholeBlock(token: Token): Node {
  const node = block(token, 0);
  return node instanceof HTMLElement ? node : element("p", [node]);
}

function block(token: Token, depth: number): Node {
  if (depth > MAX_DEPTH) return plain(token.raw);
  const known = token as MarkedToken;
  switch (known.type) {
    case "paragraph":
      return element("p", inlines(known.tokens, depth));
    case "heading":
      // The page has headings of its own above these.
      return element(`h${Math.min(6, known.depth + 2)}` as "h3", inlines(known.tokens, depth));
    case "code":
      return codeBlock(known.text);
    case "blockquote":
      return element("blockquote", blocks(known.tokens, depth));
    case "list":
      return list(known, depth);
    case "table":
      return table(known, depth);
    case "hr":
      return document.createElement("hr");
    default:
      return inline(token, depth);
  }
}

function blocks(tokens: readonly Token[], depth: number): Node[] {
  return tokens.filter(({ type }) => type !== "space" && type !== "def").map((token) => block(token, depth + 1));
}

function list({ ordered, start, items }: Tokens.List, depth: number): Node {
  const made = element(
    ordered ? "ol" : "ul",
    items.map(({ tokens }) => element("li", blocks(tokens, depth))),
  );
  if (made instanceof HTMLOListElement && Number.isSafeInteger(start) && start !== 1) made.start = Number(start);
  return made;
}

function table({ header, rows }: Tokens.Table, depth: number): Node {
  const row = (cells: Tokens.TableCell[], tag: "th" | "td") =>
    element(
      "tr",
      cells.map(({ tokens, align }) => {
        const cell = element(tag, inlines(tokens, depth));
        if (align) cell.style.textAlign = align;
        return cell;
      }),
    );
  const head = element("thead", [row(header, "th")]);
  const body = element(
    "tbody",
    rows.map((cells) => row(cells, "td")),
  );
  const frame = element("div", [element("table", rows.length > 0 ? [head, body] : [head])]);
  frame.className = "table";
  return scrollable(frame);
}

function codeBlock(text: string): Node {
  const frame = element("pre", [element("code", [text])]);
  frame.dir = "ltr";
  return scrollable(frame);
}

/** What is wider than the page scrolls by itself, so it has to be within reach of a keyboard. */
function scrollable<T extends HTMLElement>(frame: T): T {
  frame.tabIndex = 0;
  return frame;
}

function inlines(tokens: readonly Token[], depth: number, isInLink = false): Node[] {
  return tokens.map((token) => inline(token, depth + 1, isInLink));
}

function inline(token: Token, depth: number, isInLink = false): Node {
  if (depth > MAX_DEPTH) return plain(token.raw);
  const known = token as MarkedToken;
  switch (known.type) {
    case "strong":
    case "em":
    case "del":
      return element(known.type, inlines(known.tokens, depth, isInLink));
    case "codespan":
      return element("code", [known.text]);
    case "br":
      return document.createElement("br");
    case "link":
      return link(known.href, inlines(known.tokens, depth, true), isInLink);
    case "image":
      return link(known.href, [plain(decodeReferences(known.text) || "picture")], isInLink);
    case "checkbox":
      return plain(known.checked ? "☑ " : "☐ ");
    case "escape":
      return plain(known.text);
    case "text":
      // The text of a list's item has parts of its own.
      return known.tokens ? fragment(inlines(known.tokens, depth, isInLink)) : plain(decodeReferences(known.text));
    default:
      return plain(token.raw);
  }
}

function link(href: string, label: Node[], isInLink: boolean): Node {
  const url = isInLink ? undefined : safeAddress(decodeReferences(href));
  return url ? makeLink(url, label) : fragment(label);
}

function fragment(children: Node[]): Node {
  const made = document.createDocumentFragment();
  made.append(...children);
  return made;
}

function plain(text: string): Text {
  return document.createTextNode(text);
}

/** Each with the direction of its own text: an answer may be in any script, and parts of it in another. */
function element<K extends keyof HTMLElementTagNameMap>(tag: K, children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (/^(p|h\d|li|blockquote|td|th)$/.test(tag)) made.dir = "auto";
  made.append(...children);
  return made;
}
