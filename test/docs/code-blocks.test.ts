/**
 * The code of the documentation. Blocks of TypeScript, those in HTML too, compile against the sources. Commands exist, with
 * their options and the files that they name. JSON parses.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { ATTRIBUTES } from "../../src/element/attributes.ts";
import { projectRoot, runCommand } from "../support/command.ts";

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
  "CONTRIBUTING.md",
  "examples/README.md",
  ...readdirSync(join(projectRoot, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];
const blocks = pages.flatMap((page): Block[] => {
  const found = readFileSync(join(projectRoot, page), "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return Array.from(found, ([, language, code], i) => ({
    name: `${page.replace(/\W/g, "-")}-${i}`,
    language: language!,
    code: code!,
  }));
});
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language));

mkdirSync(join(projectRoot, "dist"), { recursive: true });
const folder = mkdtempSync(join(projectRoot, "dist/docs-code-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("TypeScript compiles", { timeout: 120_000 }, async () => {
  const scripts = of("html").flatMap(({ name, code }) =>
    Array.from(code.matchAll(/<script type="module">([^<]+)<\/script>/g), ([, code]) => ({
      name,
      language: "ts",
      code: code!,
    })),
  );
  const code = [...of("ts", "tsx"), ...scripts];
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

test("every block is of a language that is checked here", () => {
  // Python runs outside of the project, beside the reference libraries.
  const checked = ["ts", "tsx", "json", "html", "sh", "python"];
  expect(blocks.filter(({ language }) => !checked.includes(language)).map(({ name }) => name)).toEqual([]);
});

/** Each command of the shell blocks, without comments, in words. */
const commands = of("sh").flatMap(({ name, code }) =>
  code
    .replaceAll("\\\n", " ")
    .split(/\n|&&/)
    .map((line) => line.replace(/\s#.*|^#.*/, "").trim())
    .filter((line) => line !== "")
    .map((line) => ({ name, words: line.match(/"[^"]*"|'[^']*'|\S+/g)!.filter((word) => !/^[A-Z_]+=/.test(word)) })),
);

test("commands of npm are scripts, and have the options that are shown", async () => {
  const asked = commands.flatMap(({ name, words }) => {
    const [npm, ...rest] = words;
    if (npm !== "npm") return [];
    const script = rest[0] === "run" ? rest.filter((word) => !word.startsWith("-"))[1]! : rest[0]!;
    const at = rest.indexOf("--");
    const options = at < 0 ? [] : rest.slice(at + 1).filter((word) => word.startsWith("--"));
    return [{ name, script, options }];
  });
  expect(asked.length).toBeGreaterThan(10);
  // Commands of npm itself, and a script of an example.
  const own = ["install", "pack", "dev"];
  const help = new Map<string, string>();
  for (const { name, script, options } of asked) {
    if (script !== "pack" || options.length > 0)
      expect([name, script in packageJson.scripts || own.includes(script)]).toEqual([name, true]);
    if (options.length === 0) continue;
    const command = script.replace("test:", "");
    if (!help.has(command)) help.set(command, (await runCommand(command, ["--help"])).stdout);
    for (const option of options) expect(help.get(command), `${name}: ${script} ${option}`).toContain(option);
  }
});

test("files that commands name are there", () => {
  const paths = commands.flatMap(({ name, words }) =>
    words
      .filter((word) => /^(\.\.\/|\.\/)?(test|tools|docs|examples|eval|src|public)\/[\w./-]*$/.test(word))
      .map((path) => ({ name, path })),
  );
  expect(paths.length).toBeGreaterThan(5);
  for (const { name, path } of paths)
    expect([name, path, existsSync(join(projectRoot, path))]).toEqual([name, path, true]);
  const tools = readdirSync(join(projectRoot, "tools"));
  const named = pages.flatMap((page) => [
    ...readFileSync(join(projectRoot, page), "utf8").matchAll(/`node tools\/([\w.-]+)/g),
  ]);
  for (const [, tool] of named) expect(tools).toContain(tool);
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
