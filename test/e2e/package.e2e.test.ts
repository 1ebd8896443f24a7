/** What `npm pack` makes, installed in an empty project without a network: imported, type-checked and bundled. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../support/command.ts";
import { type Consumer, makeConsumer, run } from "../support/consumer.ts";

let project: Consumer;
let consumer: string;

const PROGRAM = `import type { FoveaChat } from "fovea/element";
import { Fovea, FoveaError, type FoveaErrorCode, type Generation, type ModelFiles } from "fovea";
import { type ChatCompletion, type ChatModels, createFetch, FoveaOpenAI } from "fovea/openai";
import { createFovea } from "fovea/worker";

export async function ask(files: ModelFiles, picture: Blob): Promise<string> {
  using fovea: Fovea = await Fovea.load(files, { maxContext: 512, onProgress: ({ stage }) => console.log(stage) });
  const content = [{ type: "image", image: picture } as const, { type: "text", text: "What is this?" } as const];
  const generation: Generation = fovea.generate({ messages: [{ role: "user", content }], maxTokens: 8 });
  for await (const event of generation) if (event.type === "done") console.log(event.stats.tokensPerSecond);
  return generation.text();
}

export const code: FoveaErrorCode = new FoveaError("bad-image", "no picture").code;

// @ts-expect-error a message has a known role
export const wrong = (fovea: Fovea) => fovea.generate({ messages: [{ role: "nobody", content: "" }] });

export async function chat(fovea: Fovea): Promise<ChatCompletion> {
  const models: ChatModels = { page: fovea, worker: await createFovea("https://example.org/model") };
  const { completions } = new FoveaOpenAI(models).chat;
  const request = { model: "page", messages: [{ role: "user" as const, content: "Hello" }] };
  for await (const { choices } of await completions.create({ ...request, stream: true }))
    console.log(choices[0]?.delta.content);
  // @ts-expect-error a number of answers
  await completions.create({ ...request, n: "2" });
  return completions.create(request, { signal: AbortSignal.timeout(1000) });
}

export const answers: typeof fetch = createFetch({});

export function show(): FoveaChat {
  const element = document.createElement("fovea-chat");
  element.tokens = "none";
  element.addEventListener("fovea-done", ({ detail }) => console.log(detail.answer, detail.stats?.newTokens));
  // @ts-expect-error a number or "none"
  element.tokens = "all";
  return element;
}
`;

beforeAll(async () => {
  project = await makeConsumer(["react"]);
  consumer = project.folder;
  writeFileSync(join(consumer, "program.ts"), PROGRAM);
});
afterAll(() => project?.remove());

test("holds the library, its types and its papers, and nothing else", () => {
  for (const name of ["dist/lib/index.js", "dist/lib/types/index.d.ts", "LICENSE", "README.md", "CHANGELOG.md"])
    expect(project.packed).toContain(name);
  expect(
    project.packed.filter(
      (name) =>
        !/^(dist\/lib\/.*\.(js|js\.map|d\.ts)|LICENSE|(README|CHANGELOG)\.md|(package|custom-elements)\.json)$/.test(
          name,
        ),
    ),
  ).toEqual([]);
});

test("is small: the demo model is a package of its own", () => {
  // The model alone has 7.1 MB. The archive has 5.2: the reader of PDFs, which loads late, and its map take 1.1.
  expect(project.bytes).toBeLessThan(6_000_000);
  const names = readdirSync(join(consumer, "node_modules/fovea-demo-model/fovea-demo"));
  expect(names).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json"]));
});

test("has a source map of every script, with the sources of this project", () => {
  // A module that only hands on what others export has no lines to map.
  const isOwn = (name: string) => /import\.meta|=>|function/.test(readFileSync(join(projectRoot, name), "utf8"));
  const scripts = project.packed.filter((name) => /\.js$/.test(name) && !/rolldown-runtime/.test(name) && isOwn(name));
  expect(scripts.length).toBeGreaterThan(50);
  expect(scripts.filter((name) => !project.packed.includes(`${name}.map`))).toEqual([]);
  const map = JSON.parse(readFileSync(join(projectRoot, "dist/lib/fovea-engine.js.map"), "utf8"));
  const at = map.sources.findIndex((source: string) => source.endsWith("src/engine/fovea.ts"));
  expect(map.sourcesContent[at]).toBe(readFileSync(join(projectRoot, "src/engine/fovea.ts"), "utf8"));
});

test.for(["LICENSE", "README.md", "index.d.ts"])("the demo model's package has its %s", (name) => {
  expect(existsSync(join(consumer, "node_modules/fovea-demo-model", name))).toBe(true);
});

const STORED = [
  "deleteStoredConversation",
  "deleteStoredModel",
  "storageReport",
  "storedConversations",
  "storedModels",
];

test.for([
  [
    "fovea",
    [
      "Fovea",
      "FoveaError",
      "guessFit",
      "keepSmallCopy",
      "pdfPages",
      "planModel",
      "searchHub",
      "videoFrames",
      ...STORED,
    ].sort(),
  ],
  ["fovea/openai", ["ApiError", "FoveaOpenAI", "createFetch"]],
  ["fovea/worker", ["FoveaError", "createFovea", "keepSmallCopy", "planModel"]],
  ["fovea/react", ["FoveaError", "useFovea"]],
  ["fovea/remote", ["FoveaError", "ServerError", "createRemote"]],
  ["fovea/element", ["EngineRegistry", "FoveaChat", "FoveaError"]],
  // As a server does that renders a page: there is no element to register.
  ["fovea/element/define", ["EngineRegistry", "FoveaChat", "FoveaError"]],
] as const)("%s can be imported, and does nothing by itself", async ([name, exported]) => {
  const script = `const m = await import("${name}"); console.log(JSON.stringify(Object.keys(m).sort()));`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: consumer });
  expect(stderr).toBe("");
  // Names of one or two letters are for the parts of the element that are loaded later.
  const named = JSON.parse(stdout).filter((one: string) => one.length > 2 || name !== "fovea/element/define");
  expect(named).toEqual(exported);
});

test.for([
  ["bundler", "esnext"],
  ["node16", "node16"],
  ["nodenext", "nodenext"],
])("type-checks with module resolution %s, libraries' types included", async ([moduleResolution, module]) => {
  const compiler = join(projectRoot, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--lib", "es2022,dom"];
  const resolution = ["--module", module!, "--moduleResolution", moduleResolution!, "--types", ""];
  const checked = run(process.execPath, [compiler, ...options, ...resolution, "program.ts"], { cwd: consumer });
  await expect(checked.catch(({ stdout }) => Promise.reject(new Error(stdout)))).resolves.toMatchObject({ stdout: "" });
});

test("every script that a module names by its own address is there", () => {
  const library = join(consumer, "node_modules/fovea/dist/lib");
  const named = readdirSync(library, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .flatMap((file) =>
      [...readFileSync(join(library, file), "utf8").matchAll(/["'`](\.\.?\/fovea-[a-z]+\.js)["'`]/g)].map(
        ([, script]) => ({ file, script: join(dirname(join(library, file)), script!) }),
      ),
    );
  // The scripts of worker, formats and PDFs, from the library and from the element's own bundle.
  expect(new Set(named.map(({ script }) => script)).size).toBe(4);
  expect(named.filter(({ script }) => !existsSync(script))).toEqual([]);
});

test("its types need none of WebGPU's, which compilers before TypeScript 6 do not have", () => {
  const types = project.packed.filter((name) => name.endsWith(".d.ts"));
  expect(types.length).toBeGreaterThan(10);
  for (const name of types) {
    const code = readFileSync(join(projectRoot, name), "utf8").replace(/\/\*.*?\*\//gs, "");
    expect([name, /\bGPU[A-Z]\w+/.exec(code)?.[0]]).toEqual([name, undefined]);
  }
});

test("goes into a bundle whole, and out of one that does not use it", async () => {
  const size = async (name: string, code: string) => {
    mkdirSync(join(consumer, name));
    writeFileSync(join(consumer, name, "main.js"), code);
    const result = await build({
      root: consumer,
      configFile: false,
      logLevel: "error",
      build: { write: false, target: "es2022", lib: { entry: `${name}/main.js`, formats: ["es"] } },
    });
    const [{ output }] = result as unknown as [
      { output: { fileName: string; code?: string; imports?: string[]; dynamicImports?: string[] }[] },
    ];
    // Families and formats are chunks of their own, which a page loads with the first model of their kind.
    const own = output.map(({ fileName }) => fileName);
    const imported = output.flatMap(({ imports = [], dynamicImports = [] }) => [...imports, ...dynamicImports]);
    expect(imported.filter((name) => !own.includes(name))).toEqual([]);
    return output.reduce((sum, { code = "" }) => sum + code.length, 0);
  };
  expect(await size("used", 'export { Fovea } from "fovea";')).toBeGreaterThan(100_000);
  expect(await size("unused", 'import "fovea"; export const x = 1;')).toBeLessThan(1000);
});

test("its worker is found by the bundler of the page that uses it", async () => {
  const root = join(consumer, "site");
  mkdirSync(root);
  writeFileSync(join(root, "index.html"), '<script type="module" src="./main.js"></script>');
  writeFileSync(
    join(root, "main.js"),
    'import { createFovea } from "fovea/worker"; globalThis.createFovea = createFovea;',
  );
  const result = await build({ root, configFile: false, logLevel: "error", build: { write: false } });
  const { output } = result as unknown as { output: { fileName: string; code?: string; source?: string }[] };
  const worker = output.find(({ fileName }) => /fovea-worker.*\.js$/.test(fileName))!;
  const engine = output.find(({ fileName }) => /fovea-engine.*\.js$/.test(fileName)) ?? worker;
  const source = String(engine.source ?? engine.code);
  expect(source.length).toBeGreaterThan(200_000);
  // A worker has no import map: nothing may be left to be resolved.
  expect(source).not.toMatch(/\bimport\s*[{*]|\b(import|from)\s*["'`][@\w]/);
  const page = output.find(({ fileName, code }) => code && fileName !== worker.fileName)!;
  expect(page.code).toContain(worker.fileName);
  expect(page.code!.length).toBeLessThan(50_000);
});
