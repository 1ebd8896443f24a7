/**
 * Shows a model's Markdown answer as elements of the page. An answer is untrusted: the picture, the question or the
 * weights may have planted it.
 *
 * marked parses the text, and is loaded with the first answer that is more than prose. This module builds elements from a
 * list of known token kinds. It never makes HTML strings, so nothing needs sanitising. Tags are shown as text, pictures
 * become links, links are checked, and no element triggers a request.
 *
 * A renderer's HTML with DOMPurify is rejected: it is 8 kB more, and a second parser that must agree with the browser's.
 * Trusted Types refuse it. So are markdown-it (twice marked's size) and micromark (its events are further from a tree).
 */
import type { MarkedToken, Token, Tokens } from "marked";
import { decodeReferences } from "./character-references.ts";
import type { lexMarkdown } from "./markdown-lexer.ts";
import { makeLink, safeAddress } from "./safe-link.ts";

/** Deeper nesting is shown as plain text. */
const MAX_DEPTH = 16;
/** Sentences of letters, digits and quiet punctuation mean the same in Markdown. Most answers about pictures are such. */
const PROSE = /^(?![-+]|\d+[.)])(?!.*(?:www\.| $))[\p{L}\p{M}\p{N}"'(%“”‘’][\p{L}\p{M}\p{N} ,;:.?!()"'%“”‘’–—-]*$/u;

/** The parser, a third of the element's script, once an answer has needed it. */
let lex: typeof lexMarkdown | undefined;
let loading: Promise<boolean> | undefined;

/** Loads the parser of Markdown; false where its file cannot be fetched. Answers then stay plain text. */
export function loadMarkdown(): Promise<boolean> {
  loading ??= import("./markdown-lexer.ts").then(
    (module) => {
      lex = module.lexMarkdown;
      return true;
    },
    () => false,
  );
  return loading;
}

/** True if a text is shown as plain text until `loadMarkdown` resolves. */
export function awaitsMarkdown(text: string): boolean {
  return !lex && !PROSE.test(text) && text.trim() !== "";
}

/** The shown text, and its blocks with the keys that they were made from. */
interface Shown extends Pick<Parsed, "isPlain" | "isWaiting" | "links"> {
  text: string;
  nodes: { key: string; node: Node }[];
}
const shown = new WeakMap<Element, Shown>();

/** The whole text as a fragment. */
export function renderMarkdown(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...parse(text).blocks.map(({ make }) => make()));
  return fragment;
}

/**
 * Shows the text in an element. Unchanged blocks at the start keep their nodes, with the reader's selection and scroll
 * position. The same text as before costs nothing. This function owns the element's children from the first call on.
 */
export function updateMarkdown(host: Element, text: string): void {
  const before = shown.get(host);
  if (before?.text === text && before.isWaiting === awaitsMarkdown(text)) return;
  // A text that was refused stays refused as it grows.
  const parsed = before?.isPlain && text.startsWith(before.text) ? plainBlocks(text) : parse(text);
  const { blocks, isPlain, isWaiting, links } = parsed;
  const old = before?.nodes ?? [];
  let same = 0;
  // A reference's address may follow anywhere, so new references change all blocks.
  if (links === before?.links) while (same < old.length && old[same]?.key === blocks[same]?.key) same++;
  const added = blocks.slice(same).map(({ key, make }) => ({ key, node: make() }));
  if (old.length === 0) host.replaceChildren();
  for (const { node } of old.slice(same)) node.parentNode?.removeChild(node);
  host.append(...added.map(({ node }) => node));
  shown.set(host, { text, isPlain, isWaiting, links, nodes: [...old.slice(0, same), ...added] });
}

/** The text for screen readers: the elements' text, one line per block. As it is, while the parser is still to come. */
export function plainText(text: string): string {
  return parse(text)
    .blocks.map(({ make }) => make().textContent ?? "")
    .filter((line) => line.trim() !== "")
    .join("\n");
}

interface Block {
  /** Blocks with equal keys, in texts with equal references, look the same. */
  key: string;
  make: () => Node;
}

interface Parsed {
  blocks: Block[];
  /** The addresses of references, as JSON. */
  links: string;
  /** True if the text is refused as Markdown. */
  isPlain: boolean;
  /** True if the parser is still to come. */
  isWaiting: boolean;
}

function parse(text: string): Parsed {
  if (awaitsMarkdown(text)) return { ...plainBlocks(text), isPlain: false, isWaiting: true };
  if (!lex) {
    const make = () => element("p", [plain(text)]);
    return { blocks: text.trim() ? [{ key: `paragraph ${text}`, make }] : [], ...NO_LINKS };
  }
  const tokens = lex(text);
  if (!tokens) return plainBlocks(text);
  const blocks = tokens
    .filter(isBlock)
    .map((token) => ({ key: `${token.type} ${token.raw}`, make: () => wholeBlock(token) }));
  return { blocks, ...NO_LINKS, links: JSON.stringify(tokens.links) };
}

const NO_LINKS = { links: "{}", isPlain: false, isWaiting: false } as const;

function plainBlocks(text: string): Parsed {
  return { blocks: [{ key: `plain ${text}`, make: () => element("p", [plain(text)]) }], ...NO_LINKS, isPlain: true };
}

/** True if a token is shown. */
function isBlock({ type }: Token): boolean {
  return type !== "space" && type !== "def";
}

/** A block as one element, so that it can be replaced alone. */
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
      // The page has its own headings above these.
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
  return tokens.filter(isBlock).map((token) => block(token, depth + 1));
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

/** Wide content scrolls by itself, so it must be focusable by keyboard. */
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
      // A list item's text has its own tokens.
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

/** Sets the text direction per element: an answer may mix scripts. */
function element<K extends keyof HTMLElementTagNameMap>(tag: K, children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (/^(p|h\d|li|blockquote|td|th)$/.test(tag)) made.dir = "auto";
  made.append(...children);
  return made;
}
