/** The grammar library in Node. As a module there it looks for the names of a script. */
import { createRequire } from "node:module";

/** Loads the library. Its exports may lie in a global variable. */
export async function loadGrammarLibrary(): Promise<typeof import("@mlc-ai/web-xgrammar")> {
  Object.assign(globalThis, { require: createRequire(import.meta.url), __filename: "x", __dirname: "." });
  const module = await import("@mlc-ai/web-xgrammar");
  return "Grammar" in module ? module : (globalThis as unknown as { xgrammar: typeof module }).xgrammar;
}
