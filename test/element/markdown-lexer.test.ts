/** The bounded lexer of Markdown: ordinary documents pass with room to spare, pathological ones end soon. */
import { readFileSync } from "node:fs";
import { Lexer } from "marked";
import { describe, expect, test } from "vitest";
import { lexMarkdown } from "../../src/element/markdown-lexer.ts";

const LENGTH = 20_000;
const repeat = (piece: string) => piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH);
/** Lines as long as is allowed. */
const inLines = (piece: string, length = 3900) => repeat(`${piece.repeat(Math.ceil(length / piece.length))}\n`);

describe("ordinary Markdown", () => {
  test.for(["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/models.md"])(
    "%s is read as marked reads it",
    (file) => {
      const text = readFileSync(file, "utf8").slice(0, LENGTH);
      // HTML is text here.
      const known = (type: string) => (type === "html" ? "paragraph" : type);
      const blocks = (tokens: { type: string; raw: string }[]) => tokens.map(({ type, raw }) => [known(type), raw]);
      expect(blocks(lexMarkdown(text)!)).toEqual(blocks(Lexer.lex(text, { gfm: true, breaks: true })));
    },
  );

  test.for<[string, string]>([
    ["a paragraph of 500 lines", "The *second* line of `code` and a [link](https://example.org).\n".repeat(300)],
    ["a list of 1000 items", repeat("- one of **many** it\n")],
    ["a table of 3 x 600 cells", `| a | b | c |\n|---|---|---|\n${"| 1 | *two* | three |\n".repeat(600)}`],
    ["code of 2000 lines", `\`\`\`\n${"let x = [[1]];\n".repeat(1300)}\`\`\``],
    ["names with underscores", repeat("some_name and other_name_of_it, a * b * c\n\n")],
  ])("%s is no work", ([, text]) => expect(lexMarkdown(text)).toBeDefined());
});

/** Pieces that make marked read on to the end of the text, match there, or recurse, from each of their places. */
const PIECES = [
  ..."*a_ _a* **a __a *_a **_a ***a** [*a *[a ~~a ~a [ [[ ]( ![ [a]( [a](< ` `a ``a`` < <a <a@ & \\* http:// www.a.".split(
    " ",
  ),
  ...['[a](b "', "`` ` ", "[a]: b\n", "> ", "- ", "1. ", "> - ", "-\n", "|\n", "--\n", "> a\n", "- a\n\n", "* a\n"],
  ...[
    "|a",
    "|-|\n",
    "| |\n|-|\n",
    "a\n=\n",
    "# ",
    "<!--",
    "<![CDATA[",
    "```\n",
    "[a][b]",
    "[a](b)",
    "é",
    "😀",
    "\u00a0",
  ],
];
const TEXTS: Record<string, string> = Object.fromEntries(
  PIECES.flatMap((piece) => [
    [`${JSON.stringify(piece)} again and again`, repeat(piece)],
    [`${JSON.stringify(piece)} in long lines`, inLines(piece)],
    [`${JSON.stringify(piece)} in lines`, inLines(piece, 50)],
  ]),
);
Object.assign(TEXTS, {
  "a table of 7 million cells": `${"|a".repeat(1000)}|\n${"|-".repeat(1000)}|\n${"x\n".repeat(7000)}`,
  "a table of 2 million cells": `${"|a".repeat(1000)}|\n${"|-".repeat(1000)}|\n${"x\n".repeat(2000)}`,
  "deep lists": Array.from({ length: 140 }, (_, i) => `${" ".repeat(i)}- a`).join("\n"),
  "quotes in quotes, many": `${"> ".repeat(20)}a\n`.repeat(480),
  "quotes in lists, many": `${"> - ".repeat(10)}a\n`.repeat(480),
  "runs of backticks": Array.from({ length: 190 }, (_, i) => `${"`".repeat(i)}a`).join(""),
  "links in links": `${"[".repeat(5000)}a${"](b)".repeat(3700)}`,
  "many references": `${Array.from({ length: 700 }, (_, i) => `[a${i}]: b`).join("\n")}\n\n${"[a1]".repeat(2900)}`,
});

describe("pathological Markdown", () => {
  test("takes at most 0.3 s of the processor for 20 kB", { timeout: 120_000 }, () => {
    // The compiler of hot code has its own time.
    for (const text of Object.values(TEXTS)) lexMarkdown(text);
    const times = Object.entries(TEXTS).map(([name, text]) => {
      const start = process.cpuUsage();
      lexMarkdown(text);
      return { name, milliseconds: process.cpuUsage(start).user / 1000 };
    });
    expect(times.filter(({ milliseconds }) => milliseconds > 300)).toEqual([]);
  });
});
