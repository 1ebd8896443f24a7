/** Measures the built product from outside: the time until its page is ready, and its size. Node only. */
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { ready } from "../test/support/site-page.ts";
import { siteFolder } from "../tools/build.mjs";
import { libraryFolder } from "../tools/library.mjs";
import { serve } from "../tools/serve.mjs";
import type { Figure } from "./parts/result.ts";
import { withVisitor } from "./visitor.ts";

const LATER_VISITS = 5;
/** Between visits: pipelines of a closed page compile on for seconds, and took up to a second from the next visit. */
const PAUSE_MS = 6000;

/** Seconds from opening the page to a loaded model: the first visit, and the fastest later one. Expects a built site. */
export async function openFigures(progress: (what: string) => void): Promise<Figure[]> {
  const server = await serve({ "/": { folder: siteFolder } });
  try {
    const seconds = await withVisitor(async (context) => {
      const found: number[] = [];
      for (let visit = 0; visit <= LATER_VISITS; visit++) {
        progress(`open: visit ${visit + 1}`);
        const page = await context.newPage();
        if (visit > 0) await page.waitForTimeout(PAUSE_MS);
        const start = performance.now();
        await page.goto(server.origin);
        await ready(page);
        found.push((performance.now() - start) / 1000);
        await page.close();
      }
      return found;
    });
    const [first = Number.NaN, ...later] = seconds;
    return [
      { id: "open.first", what: "page open to ready, first visit, fovea-demo", value: first, unit: "s" },
      { id: "open.second", what: "the same, fastest later visit", value: Math.min(...later), unit: "s" },
    ];
  } finally {
    server.close();
  }
}

/**
 * Kilobytes after brotli. Expects a built library.
 * @param page bytes of a page with the element, without a model and with what reads the text of one
 */
export function sizeFigures({ element, answer }: Record<"element" | "answer", { brotli: number }>): Figure[] {
  const weigh = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + brotliCompressSync(readFileSync(`${libraryFolder}/${file}`)).length, 0) /
    1e3;
  return [
    {
      id: "size.library",
      what: "library, without the packages that it imports",
      value: weigh(closure("index.js")),
      unit: "kB",
    },
    { id: "size.element", what: "library, element and worker", value: element.brotli / 1e3, unit: "kB" },
    {
      id: "size.all",
      what: "the same, with what reads tokenizers and chat templates",
      value: answer.brotli / 1e3,
      unit: "kB",
    },
  ];
}

/** A module of the library, and those of its own that it imports. */
function closure(entry: string): Set<string> {
  const found = new Set([entry]);
  for (const file of found)
    for (const [, name] of readFileSync(`${libraryFolder}/${file}`, "utf8").matchAll(/(?:from|import) ?"\.\/([^"]+)"/g))
      found.add(name!);
  return found;
}
