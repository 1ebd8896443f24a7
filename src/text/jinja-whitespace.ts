/**
 * White space around the tags of a chat template, as jinja2 treats it with `lstrip_blocks` and `trim_blocks`. The
 * library's own options also change texts and strings that look like a tag's end, and it does not know "{%+" and "+%}",
 * which keep the white space.
 */

/** The template without the white space that these settings remove. "-" stays in its tags: the library knows it. */
export function applyWhiteSpaceSettings(source: string): string {
  const parts: string[] = [];
  let end = 0;
  let startsLine = true;
  for (;;) {
    const start = nextTag(source, end);
    const stop = start < 0 ? -1 : closeOf(source, start);
    // The library names the fault of a tag without an end.
    if (stop < 0) return parts.join("") + source.slice(end);
    const text = source.slice(end, start);
    const tag = source.slice(start, stop + 2);
    end = stop + 2;
    if (tag.startsWith("{{")) {
      parts.push(text, tag);
      startsLine = false;
      continue;
    }
    parts.push(tag[2] === "+" ? text : withoutIndent(text, startsLine));
    parts.push(withoutMark(tag.replace(/^(..)\+|\+(..)$/gs, "$1$2")));
    startsLine = tag.at(-3) !== "+" && source[end] === "\n";
    if (startsLine) end++;
  }
}

/**
 * The marks that transformers adds around an answer, as a statement that the library has. Its own way to remove them joins
 * the white space on both sides of a mark.
 */
function withoutMark(tag: string): string {
  const [, open, end, close] = /^(\{%-?)\s*(end)?generation\s*(-?%\})$/.exec(tag) ?? [];
  return open === undefined ? tag : `${open} ${end === undefined ? "if true" : "endif"} ${close}`;
}

function nextTag(source: string, from: number): number {
  const tag = /\{[{%#]/g;
  tag.lastIndex = from;
  return tag.exec(source)?.index ?? -1;
}

/** A text before a tag without the white space of the tag's own line, if that line has nothing else. */
function withoutIndent(text: string, startsLine: boolean): string {
  const line = text.lastIndexOf("\n") + 1;
  return (line > 0 || startsLine) && text.slice(line).trim() === "" ? text.slice(0, line) : text;
}

/** Where the two characters that close a tag are; -1 without them. They close nothing in strings and in brackets. */
function closeOf(source: string, start: number): number {
  const kind = source[start + 1]!;
  const close = `${kind === "{" ? "}" : kind}}`;
  if (kind === "#") return source.indexOf(close, start + 2);
  let depth = 0;
  for (let i = start + 2; i < source.length; i++) {
    const character = source[i]!;
    if (character === '"' || character === "'") i = stringEnd(source, i);
    else if (depth === 0 && source.startsWith(close, i)) return i;
    else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
  }
  return -1;
}

/** The closing quote of the string that begins at `start`; the source's end without one. */
function stringEnd(source: string, start: number): number {
  let i = start + 1;
  while (i < source.length && source[i] !== source[start]) i += source[i] === "\\" ? 2 : 1;
  return i;
}
