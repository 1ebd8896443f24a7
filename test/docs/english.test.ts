/** The words of the page, the element and the documents: none of those that a reader stumbled over. */
import { expect, test } from "vitest";
import { filesBelow, readSource } from "../support/sources.ts";

/** Each was replaced once; CONTRIBUTING.md says by which rules. */
const REPLACED = [
  "is being loaded",
  "Load it",
  "Look it up",
  "Address of a folder in Hugging Face layout, or",
  "From this machine",
  "Kept on this machine",
  "Photograph",
  "Take the photograph",
  "Show its tokens",
  "Ask again with the present settings",
  "compare with and without",
  "Fewer are faster",
  "all is without compression",
  "Its share",
  "Its ranking",
  "Places of tokens",
  "Write a question first",
  "This page is kept on this machine",
  "How the model looks",
  "Layer of the gaze",
  "Stage before",
  "As set",
  "Empty it",
  "record where each word looks",
  "can be looked into",
  "asks for something else than",
  "mistake of ours",
  "nobody's concern",
  "made good",
  "nobody vouches for",
  "is to be configured",
  "no further word",
];

const words = filesBelow("docs").filter((name) => /^docs\/[^/]+\.md$/.test(name));
const documents = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", ...words];
const shown = [...filesBelow("src/app"), ...filesBelow("src/element"), "index.html"];

/** Text that is shown; comments and the table of old and new words are not. */
function textOf(name: string): string {
  const source = readSource(name);
  if (name === "CONTRIBUTING.md") return source.replace(/^\| instead of[\s\S]*/m, "");
  return /\.(ts|css)$/.test(name) ? source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "") : source;
}

test.for(REPLACED)("%j is said in other words", (phrase) => {
  // A whole phrase, with its own case: "photograph" is a good word where it is no title.
  const pattern = new RegExp(`(?<![\\w-])${phrase}(?![\\w-])`);
  expect([...documents, ...shown].filter((name) => pattern.test(textOf(name).replace(/\s+/g, " ")))).toEqual([]);
});

test("no sentence of the documents begins with a clause in place of its subject", () => {
  const found = documents.flatMap((name) =>
    [...textOf(name).matchAll(/(?:^|[.:] |^\* |\| )((?:What|Whoever|Whether) [^.|]*)/gm)].map(
      ([, text]) => `${name}: ${text}`,
    ),
  );
  expect(found.filter((text) => !text.includes("?"))).toEqual([]);
});
