/** The code of the documentation: every block of TypeScript and HTML in README.md and docs compiles against the sources. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { ATTRIBUTES } from "../../src/element/attributes.ts";
import { projectRoot } from "../support/command.ts";

/** Names that blocks use without introducing them: what the text around them speaks of. */
const GIVEN = `import type { Fovea, Message, ModelFiles } from "fovea";
import type { FoveaOpenAI } from "fovea/openai";
declare global {
  const fovea: Fovea;
  const file: File;
  const files: ModelFiles;
  const messages: Message[];
  const client: FoveaOpenAI;
  const apiKey: string;
  const show: (text: string) => void;
  const run: (name: string, args: unknown) => Promise<unknown>;
  const createRemote: typeof import("fovea/remote").createRemote;
  const options: import("fovea/remote").RemoteOptions;
  const Fovea: typeof import("fovea").Fovea;
}
`;

interface Block {
  name: string;
  language: string;
  code: string;
}

const pages = [
  "README.md",
  ...readdirSync(join(projectRoot, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];
const blocks = pages.flatMap((page): Block[] => {
  const found = readFileSync(join(projectRoot, page), "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return Array.from(found, ([, language, code], i) => ({
    name: `${basename(page, ".md")}-${i}`,
    language: language!,
    code: code!,
  }));
});
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language));

mkdirSync(join(projectRoot, "dist"), { recursive: true });
const folder = mkdtempSync(join(projectRoot, "dist/docs-code-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("TypeScript compiles", async () => {
  const code = of("ts", "tsx");
  expect(code.length).toBeGreaterThan(10);
  // A family's file stands in its room, and imports from there.
  const complete = code.filter(({ code }) => !/from "\.\.?\//.test(code));
  for (const { name, language, code } of complete)
    writeFileSync(join(folder, `${name}.${language}`), `${code}\nexport {};\n`);
  writeFileSync(join(folder, "given.d.ts"), GIVEN);
  const entries = ["", "/worker", "/react", "/openai", "/element", "/element/define", "/remote"];
  const paths = entries.map((entry) => [
    `fovea${entry}`,
    [`../../src${entry === "/element/define" ? entry : `${entry}/index`}.ts`],
  ]);
  const options = { noEmit: true, noUnusedLocals: false, paths: Object.fromEntries(paths) };
  const config = { extends: "../../tsconfig.json", compilerOptions: options, include: ["*"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(projectRoot, "node_modules/typescript/bin/tsc");
  const checked = promisify(execFile)(process.execPath, [compiler, "-p", folder], { cwd: folder });
  await expect(checked.catch(({ stdout }) => Promise.reject(new Error(stdout)))).resolves.toMatchObject({ stdout: "" });
});

test("JSON parses", () => {
  for (const { name, code } of of("json")) expect(() => JSON.parse(code), name).not.toThrow();
});

test("elements in HTML have known attributes", () => {
  const tags = of("html").flatMap(({ code }) => Array.from(code.matchAll(/<fovea-chat([^>]*)>/g), ([, text]) => text!));
  expect(tags.length).toBeGreaterThan(1);
  const known = Object.entries(ATTRIBUTES).map(([name, { attribute }]) =>
    typeof attribute === "string" ? attribute : name,
  );
  for (const text of tags)
    for (const [, name] of text.replace(/"[^"]*"/g, "").matchAll(/([\w-]+)/g)) expect(known).toContain(name);
});
