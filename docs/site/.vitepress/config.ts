/** The site of the documentation. tools/docs.mjs copies the pages of docs/ to pages/, and lets TypeDoc write pages/api. */
import { defineConfig } from "vitepress";

const GUIDES = [
  ["Start", "index"],
  ["Models and storage", "models"],
  ["Weight formats", "formats"],
  ["Families", "families"],
  ["Compression and inhibition", "compression"],
  ["Answers in a form, tools", "answers"],
  ["Embeddings", "embeddings"],
  ["Commands", "commands"],
] as const;
const PLACES = [
  ["The chat element", "element"],
  ["React", "react"],
  ["Next.js", "next"],
  ["Worker", "worker"],
  ["OpenAI's interface", "openai"],
  ["A server", "server"],
  ["Offline", "offline"],
  ["Content security policy", "csp"],
  ["Browsers", "browsers"],
] as const;
const INSIDE = [
  ["Architecture", "architecture"],
  ["Add a family", "adding-a-family"],
  ["Add a compression method", "adding-a-method"],
  ["Performance", "performance"],
  ["Evaluation and benchmarks", "evaluation"],
  ["Sweep over methods", "sweep"],
] as const;
const API = ["index", "worker", "react", "element", "openai", "remote"];

const items = (pages: readonly (readonly [string, string])[]) =>
  pages.map(([text, page]) => ({ text, link: `/${page === "index" ? "" : page}` }));

export default defineConfig({
  title: "Fovea",
  description: "Questions about pictures, answered in the browser",
  // Where the site lies on its server, such as "/docs/".
  base: process.env.DOCS_BASE ?? "/",
  srcDir: "pages",
  outDir: "../../dist/docs",
  cacheDir: "node_modules/.vitepress",
  lastUpdated: false,
  markdown: {
    config: (renderer) => {
      // Links to files beside docs/ lead nowhere on the site: their text stays.
      renderer.core.ruler.push("links-outside", ({ tokens }) => {
        for (const { children } of tokens) {
          let isOutside = false;
          for (const token of children ?? []) {
            if (token.type === "link_open") isOutside = /^\.\.\//.test(token.attrGet("href") ?? "");
            if (isOutside && /^link_(open|close)$/.test(token.type)) {
              if (token.type === "link_close") isOutside = false;
              token.type = "text";
              token.tag = "";
              token.content = "";
              token.nesting = 0;
            }
          }
        }
      });
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      { text: "Guides", items: items(GUIDES) },
      { text: "In your page", items: items(PLACES) },
      { text: "Inside", items: items(INSIDE) },
      {
        text: "Reference",
        items: API.map((name) => ({ text: name === "index" ? "fovea" : `fovea/${name}`, link: `/api/${name}` })),
      },
    ],
  },
});
