/** The site of the documentation: every page is in its sidebar, with every picture that it shows; every link leads to a file. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/command.ts";

const folder = join(projectRoot, "docs");
const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
const text = (path: string) => readFileSync(join(projectRoot, path), "utf8");

test("the sidebar has every page, and no other", () => {
  const config = text("docs/site/.vitepress/config.ts");
  const listed = [...config.matchAll(/^ {2}\["[^"]+", "([\w-]+)"\],$/gm)].map(([, name]) => `${name}.md`);
  expect(listed.sort()).toEqual(pages.sort());
});

test.for([
  ...["models", "formats", "compression", "answers", "server", "offline", "csp", "next"],
  ...["architecture", "adding-a-family", "adding-a-method", "performance", "evaluation"],
])("there is a page %s", (name) => expect(pages).toContain(`${name}.md`));

test("links and pictures of every document lead to files", () => {
  const documents = ["README.md", "CONTRIBUTING.md", "examples/README.md", ...pages.map((name) => `docs/${name}`)];
  const lost = documents.flatMap((path) =>
    // Code has brackets of its own.
    [
      ...text(path)
        .replace(/^```.*?^```/gms, "")
        .matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g),
    ]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(projectRoot, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(lost).toEqual([]);
});

test("README is one screen and links", () => {
  // Without its programs and its table of links.
  const prose = text("README.md")
    .replace(/^```.*?^```/gms, "")
    .replace(/^\|.*$/gm, "");
  expect(prose.split("\n").filter((line) => line.trim() !== "").length).toBeLessThan(60);
});

test("the drawing of the architecture has rooms of the code", () => {
  const rooms = [...text("docs/architecture.svg").matchAll(/class="name"[^>]*>([\w-]+)</g)].map(([, name]) => name!);
  expect(rooms.length).toBeGreaterThan(10);
  expect(rooms.filter((name) => !existsSync(join(projectRoot, "src", name)))).toEqual([]);
});
