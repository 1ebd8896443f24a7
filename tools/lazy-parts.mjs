// Measures the parts of the library that load when first used, whose sizes the docs state.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sizes } from "./build.mjs";
import { bundlePart } from "./library.mjs";

/**
 * Name in docs/performance.md -> source. Each is measured by itself: what it shares with the engine counts too. `isWhole`:
 * what it loads later by itself counts, because the first use needs it.
 * @type {Record<string, { source: string, isWhole?: true }>}
 */
export const LAZY_PARTS = {
  "tokenizers and chat templates": { source: "src/text/readers.ts", isWhole: true },
  "recurrent layers": { source: "src/model/decoder/recurrent-layers.ts" },
  "learned queries": { source: "src/model/connector/queries.ts" },
  "text encoders": { source: "src/model/encoder/text-embedder.ts" },
  "shaders of software adapters": { source: "src/kernels/software-shaders.ts" },
  "forms of answers (XGrammar)": { source: "src/grammar/grammar-worker.ts", isWhole: true },
  "videos (mediabunny)": { source: "src/video/video-parts.ts", isWhole: true },
  "pages of PDFs (pdf.js)": { source: "src/pdf/pdf-worker.ts" },
  "Markdown in answers (marked)": { source: "src/element/markdown-lexer.ts", isWhole: true },
  "tools of a model": { source: "src/engine/tool-use.ts" },
  "a server (`fovea/remote`)": { source: "src/remote/index.ts" },
};

/** @returns {Promise<Record<string, { raw: number, brotli: number }>>} bytes of each part, minified */
export async function lazySizes() {
  /** @type {Record<string, { raw: number, brotli: number }>} */
  const found = {};
  for (const [name, { source, isWhole }] of Object.entries(LAZY_PARTS)) {
    const folder = mkdtempSync(join(tmpdir(), "fovea-part-"));
    try {
      const first = await bundlePart(folder, source);
      const all = readdirSync(folder).filter((file) => file.endsWith(".js"));
      found[name] = sizes(isWhole ? all.map((file) => join(folder, file)) : first);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  return found;
}
