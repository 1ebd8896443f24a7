/** The rules of the house that can be read off the files: who imports whom, who owns what, how long a file may be. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { familyNames } from "../src/families/registry.ts";
import { projectRoot } from "./support/command.ts";
import { familyNamesIn, namesFamily, stringNamesFamily } from "./support/family-names.ts";
import { describeShared, needing } from "./support/shared.ts";
import { codeOf, filesBelow, importsOf, readSource } from "./support/sources.ts";

/**
 * Room -> what it may import, itself aside. A room is a folder of src, or a file that lies in src itself; a part of one
 * is named with its file. Packages are named as they are; "shaders" is the folder of that name.
 */
const MAY_IMPORT: Record<string, string[]> = {
  shared: [],
  errors: ["shared"],
  api: ["shared"],
  // An answer as its caller reads it, on either side of a worker.
  "running-generation": ["api", "errors"],
  // The names of the API's fields, for checks on either side of a worker.
  "known-fields": ["api"],
  // Code that only some models and devices need.
  "late-part": ["errors"],
  // Who answers where a model cannot run, in the page and in a worker.
  fallback: ["api", "errors", "shared"],
  // Types and pure builders only.
  spec: ["shared"],
  families: ["spec", "image/geometry", "shared", "errors"],
  // The only one whom other rooms ask.
  "families/registry": ["late-part", "spec", "shared", "errors"],
  index: ["api", "errors", "engine", "pdf", "video", "weights"],
  gpu: ["shared", "errors"],
  kernels: ["gpu", "late-part", "shared", "errors", "shaders"],
  weights: ["spec", "shared", "errors", "@noble/hashes/sha2.js", "@noble/hashes/legacy.js", "weights-manifest.json"],
  text: ["spec", "shared", "errors", "@huggingface/tokenizers", "@huggingface/jinja"],
  image: ["spec", "shared", "errors", "gl-matrix"],
  // Pure numbers, which overlays need too.
  "image/geometry": ["spec", "gl-matrix"],
  // The limits on files, which pages ask before they show one.
  "image/measure": ["errors"],
  // Pictures by their address, such as that of a dropped link.
  "image/fetch-picture": ["errors"],
  // Frames of videos as pictures, with a library that loads late.
  video: ["image", "errors", "shared", "mediabunny"],
  "video/is-video-file": [],
  // Pages of PDFs as pictures, drawn in a worker of its own.
  pdf: ["image", "errors", "shared", "pdfjs-dist"],
  "pdf/is-pdf-file": [],
  "video/has-video": ["shared"],
  // api: the types of what callers choose, such as a compression, which this room turns into plans.
  model: ["spec", "kernels", "gpu", "weights", "image", "api", "late-part", "shared", "errors"],
  // The form of an answer; WebAssembly, in a worker of its own.
  grammar: ["errors", "shared", "@mlc-ai/web-xgrammar", "@eslint-community/regexpp"],
  // gpu and kernels: a sequence feeds its tokens back on the GPU, in one pass and one submit.
  generate: ["model", "kernels", "gpu", "text", "api", "shared", "errors"],
  // Knows all rooms below.
  engine: [
    "families/registry",
    "generate",
    "model",
    "spec",
    "weights",
    "text",
    "grammar",
    "image",
    "video",
    "kernels",
    "gpu",
    "running-generation",
    "known-fields",
    "fallback",
    "late-part",
    "api",
    "shared",
    "errors",
  ],
  "worker/protocol": ["api", "errors", "shared"],
  "worker/worker": ["worker/protocol", "engine", "api", "errors", "shared"],
  "worker/turns": ["engine", "errors", "shared"],
  // Pictures that only a page has.
  "worker/pack": ["worker/protocol", "image", "api", "errors", "shared"],
  worker: ["worker/protocol", "running-generation", "known-fields", "fallback", "api", "errors", "shared"],
  // Pictures are decoded and scaled in the page, and leave it as files.
  remote: ["running-generation", "known-fields", "image", "video", "api", "errors", "shared", "eventsource-parser"],
  openai: ["worker", "api", "errors", "shared"],
  react: ["worker", "api", "errors", "react"],
  element: [
    "openai",
    "worker",
    "remote",
    "image/measure",
    "image/fetch-picture",
    "pdf",
    "video",
    "api",
    "errors",
    "shared",
    "lit",
    "marked",
  ],
  // The page's one way to the engine, also past the worker, to what needs no GPU.
  "app/engine": ["index", "worker", "api"],
  app: [
    "element",
    "openai",
    "worker",
    "image/geometry",
    "image/measure",
    "image/fetch-picture",
    "api",
    "errors",
    "shared",
    // The models that it suggests.
    "weights-manifest.json",
    "lit",
    "idb-keyval",
    "workbox-window",
    "workbox-precaching",
  ],
};

/** Actions of one room only: a pattern over code -> rooms. */
const OWNERS: [what: string, pattern: RegExp, rooms: string[]][] = [
  [
    "makes device objects",
    /\.(create(Buffer|Texture|ShaderModule|\w*Pipeline(Async)?|BindGroup\w*|CommandEncoder|QuerySet|Sampler)|requestAdapter|requestDevice)\(/,
    ["gpu"],
  ],
  // A picture's address is fetched by the room that decodes it: one request, without the ranges and hashes of weights. A server
  // is asked by a room that keeps keys out of messages.
  ["fetches", /(?<![\w.#])(fetch\(|new XMLHttpRequest|new WebSocket|new EventSource)/, ["weights", "image", "remote"]],
  ["touches OPFS", /\bgetDirectory\(/, ["weights"]],
  // The GPU's room posts to itself only, to poll (gpu/polling.ts).
  ["posts messages", /\bpostMessage\(/, ["worker", "gpu", "grammar", "pdf"]],
  // Through `Gpu.waitFor`, which keeps the device polled.
  ["waits for the GPU", /\.(mapAsync|onSubmittedWorkDone)\(/, ["gpu"]],
  [
    "touches the page",
    /(?<![\w.?])(document|customElements)\.|\bextends HTMLElement\b|\.innerHTML\b/,
    ["element", "app"],
  ],
];

/**
 * A container with names of its own for architectures, projectors and tokenizers; here they become those of families. And
 * programs that serve models, one of which has a family's name in its own.
 */
const FOREIGN_NAMES =
  /^src\/(weights\/formats\/gguf\/(architectures|split-rules|tokenizer|projectors\/[\w-]+|tower-names|vision)|remote\/servers)\.ts$/;

/** Long files that were judged to be better whole, or still wait to be split. No file of src is among them. */
const LONG_FILES = ["test/weights/url-source.test.ts"];
const MAX_LINES = 350;

const sources = filesBelow("src").filter((file) => file.endsWith(".ts"));
const code = ["src", "shaders", "test", "tools", "bench", "eval"]
  .filter((folder) => existsSync(join(projectRoot, folder)))
  .flatMap(filesBelow)
  .filter((file) => /\.(ts|mjs|wgsl|css)$/.test(file));

/** Room of a file, such as "gpu", or "worker/protocol" where that part has rules of its own. */
function roomOf(file: string): string {
  const [top = "", room = "", part] = file.replace(/(\.d)?\.ts$/, "").split("/");
  if (top !== "src") return top;
  return part !== undefined && `${room}/${part}` in MAY_IMPORT ? `${room}/${part}` : room;
}

describe("imports", () => {
  test("follow the table of rooms", () => {
    const folder = (room: string) => (room.startsWith("@") ? room : room.split("/")[0]!);
    const wrong = sources.flatMap((file) => {
      const room = roomOf(file);
      const allowed = MAY_IMPORT[room];
      if (!allowed) return [`${file}: the room ${room} is not in the table`];
      return importsOf(file)
        .map(({ specifier, path }) => (path ? roomOf(path) : specifier))
        .filter((target) => folder(target) !== folder(room))
        .filter((target) => !allowed.includes(target) && !allowed.includes(folder(target)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("name files that exist, with their endings", () => {
    const wrong = code
      .filter((file) => /\.ts$/.test(file))
      .flatMap((file) => importsOf(file).map((one) => ({ file, ...one })))
      .filter(({ path }) => path && !existsSync(join(projectRoot, path)))
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(wrong).toEqual([]);
  });

  test("make no cycles, not even of types", () => {
    const loads = (file: string) => importsOf(file).flatMap(({ path }) => (path ? [path] : []));
    const graph = new Map(sources.map((file) => [file, loads(file)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
      else if (!done.has(file)) for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test("of the references lead to nothing of src", () => {
    const wrong = filesBelow("test/reference")
      .filter((file) => file.endsWith(".ts"))
      .filter((file) => importsOf(file).some(({ path }) => path?.startsWith("src/")));
    expect(wrong).toEqual([]);
  });
});

describe("families of models", () => {
  test("are named in their own room only", () => {
    const files = [...sources, ...filesBelow("shaders")].filter(
      (file) => !file.startsWith("src/families/") && !FOREIGN_NAMES.test(file),
    );
    const named = files.filter(namesFamily);
    const inside = files.flatMap((file) => familyNamesIn(file).map((name) => `${file}: ${name}`));
    expect([...named, ...inside]).toEqual([]);
  });

  test("are all known to this test", () => {
    const unknown = familyNames().filter((name) => !stringNamesFamily(name));
    expect(unknown, "names to add to test/support/family-names.ts").toEqual([]);
  });

  test("are told from words that mean something else", () => {
    for (const name of [
      "LLaVA",
      "isLlama",
      "qwen2_vl",
      "CLIP_MEAN",
      "openai/clip-vit-large",
      "ClipVisionModel",
      "PaliGemma",
    ])
      expect(namesFamily(name), name).toBe(true);
    for (const name of [
      "vit",
      "ViT",
      "vitEncoder",
      "lfm2_vl",
      "InternVLChatModel",
      "phi3",
      "PhiForCausalLM",
      "SmolVLM",
    ])
      expect(namesFamily(name) || stringNamesFamily(name), name).toBe(true);
    for (const name of [
      "clip",
      "clipToPicture",
      "phi",
      "Phi",
      "philosophy",
      "invite",
      "activity",
      "internal",
      "clipboardData",
    ])
      expect(namesFamily(name), name).toBe(false);
    for (const name of ["clip", "phi"]) expect(stringNamesFamily(name), name).toBe(true);
    for (const text of ["clip-path: inset(50%)", "the International Phonetic Alphabet", "selfmade"])
      expect(stringNamesFamily(text), text).toBe(false);
  });
});

test.for(OWNERS)("nobody else %s", ([, pattern, rooms]) => {
  const wrong = sources.filter((file) => !rooms.includes(file.split("/")[1]!) && pattern.test(codeOf(file)));
  expect(wrong).toEqual([]);
});

test("tests take no bare pattern into toMatchObject, where every text passes: expect.stringMatching compares", () => {
  const bare = /toMatchObject\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*?:\s*(?:\/|new RegExp)/;
  expect(bare.test("toMatchObject({ message: /no such model/ })")).toBe(true);
  expect(bare.test("toMatchObject({ message: expect.stringMatching(/no such model/) })")).toBe(false);
  expect(code.filter((file) => file.endsWith(".test.ts") && bare.test(codeOf(file)))).toEqual([]);
});

describe("files", () => {
  test("are short enough to be read in one sitting", () => {
    const long = code.filter((file) => readSource(file).split("\n").length > MAX_LINES + 1);
    expect(long.filter((file) => file.startsWith("src/"))).toEqual([]);
    expect(long.filter((file) => !LONG_FILES.includes(file))).toEqual([]);
  });

  test("open with what they are for", () => {
    // The names of a test's cases say it too.
    const silent = code.filter((file) => !file.endsWith(".test.ts") && !/^(\/\/|\/\*)/.test(readSource(file)));
    expect(silent).toEqual([]);
  });
});

describeShared(needing("real", "the data beside the project"), () => {
  test("is not copied into it", () => {
    const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    const folder = join("..", "shared", "real");
    // The text of a licence is the same wherever it lies.
    const theirs = new Map(
      filesBelow(folder)
        .filter((file) => !/\/LICENSE[^/]*$/.test(file))
        .map((file) => [hash(join(projectRoot, file)), file]),
    );
    const own = ["src", "shaders", "test", "tools", "public", "bench", "eval", "training"]
      .filter((folder) => existsSync(join(projectRoot, folder)))
      .flatMap(filesBelow)
      .filter((file) => !file.startsWith("training/runs/"));
    expect(own.filter((file) => theirs.has(hash(join(projectRoot, file))))).toEqual([]);
  });
});
