// What library and site leave out of their bundles: comments of shaders, and of packages the parts that nobody calls.
import { readFileSync } from "node:fs";

/**
 * Shaders as text without comments and indentation, half of their bytes. WGSL has no strings that could hold a "//".
 * @returns {import("vite").Plugin}
 */
export function shaderText() {
  const suffix = ".wgsl?raw";
  return {
    name: "fovea:shader-text",
    enforce: "pre",
    load(id) {
      if (!id.endsWith(suffix)) return;
      const lines = readFileSync(id.slice(0, -"?raw".length), "utf8")
        .split("\n")
        .map((line) => line.replace(/\/\/.*$/, "").trim());
      return `export default ${JSON.stringify(lines.filter(Boolean).join("\n"))};`;
    },
  };
}

/**
 * Of marked what reads Markdown, without what writes HTML, which is a third of it. A bundler cannot tell, because the
 * module ends in making an instance of everything: that end is cut off. Throws if a newer version ends in another way.
 * @returns {import("vite").Plugin}
 */
export function markdownReader() {
  return {
    name: "fovea:markdown-reader",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/marked/lib/marked.esm.js")) return;
      const instance = [...code.matchAll(/var (\w+)=new \w+;function \w+\(\w+,\w+\)\{return \1\.parse\(/g)].at(-1);
      const exported = /export\{([^}]*)\};/.exec(code)?.[1]?.split(",") ?? [];
      const wanted = exported.filter((one) => /as (Lexer|Tokenizer)$/.test(one));
      if (!instance || wanted.length !== 2) throw new Error(`${id} is not what is known of it; look at its end again`);
      return { code: `${code.slice(0, instance.index)}export{${wanted}};`, map: null };
    },
  };
}
