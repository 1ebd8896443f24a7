// node tools/goldens.mjs [--check]: copies a part of ../shared/golden to test/golden, so that a clone without ../shared
// has goldens too. Checkpoints are copied whole; of the expected values only those that test/golden/README.md lists.
// With --check it writes nothing and exits with 1 if test/golden differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../shared/golden", import.meta.url));
const target = fileURLToPath(new URL("../test/golden", import.meta.url));

/** Cases of ../shared/golden/families. Add a case by its name, if its prompts use only text and families/pictures. */
const FAMILIES = [
  "gemma3-published-bf16",
  "idefics3-defaults-f16",
  "idefics3-s2-tags-f16",
  "internvl-qwen2-bf16",
  "internvl-qwen3-newnames-f32-sharded",
  "lfm2_vl-single-bf16",
  "lfm2_vl-tiles-layernorm-f32",
  "llava_next-mistral-f16",
  "llava_next-vicuna-bf16",
  "llava_onevision-qwen2-tied-bf16",
  "mistral3-published-bf16",
  "nanollava-original-bf16",
  "paligemma-gemma1-f32",
  "qwen2_5_vl-windows-bf16",
  "qwen2_vl-published-bf16",
  "qwen3_5-bf16",
  "qwen3_vl-bf16",
  "shikra-original-f16-sharded",
  "smolvlm-s3-spelled-f32-sharded",
  "smolvlm-s4-tags-bf16",
  "text-gemma2",
  "text-gemma3-linear",
  "text-granite",
  "text-lfm2",
  "text-mistral",
  "text-olmo2",
  "text-phi",
  "text-phi3-longrope",
  "text-qwen3-yarn",
  "text-smollm3",
  "text-stablelm",
];
/** Checkpoints of ../shared/golden in the older layout. */
const CHECKPOINTS = ["clip-llama-f32", "siglip-qwen2-bf16-sharded", "two-images-f16"];
const TABLES = ["kmeans.json", "ranks.json"];

/** Larger tensors of a family's plain runs are left out. */
const MAX_BYTES = { pixels: 150_000, features: 80_000, logits: 80_000 };
/** Total size of test/golden, so that cloning stays quick. */
const MAX_TOTAL_BYTES = 30_000_000;

/** @typedef {{ name: string, dtype: string, shape: number[], bytes: Buffer }} Tensor */

/**
 * @param {string} path
 * @returns {Tensor[]} in the order of their bytes
 */
function readTensors(path) {
  const file = readFileSync(path);
  const headerEnd = 8 + Number(file.readBigUInt64LE());
  const { __metadata__, ...entries } = JSON.parse(file.toString("utf8", 8, headerEnd));
  return Object.entries(entries)
    .sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => ({
        name,
        dtype,
        shape,
        bytes: file.subarray(headerEnd + start, headerEnd + end),
      }),
    );
}

/** @param {Tensor[]} tensors */
function safetensors(tensors) {
  let offset = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const start = offset;
    offset += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, offset] }];
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  // The first tensor begins at a multiple of 8 bytes.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...tensors.map(({ bytes }) => bytes)]);
}

/**
 * The expected values of an older checkpoint: logits of every row for the plain run alone, and the first and last
 * hidden state. Tokens between stages are left out. Settings that differ only in inhibition share a projection, which
 * is kept once.
 * @param {Tensor[]} tensors
 */
function ofCheckpoint(tensors) {
  const lastHidden = Math.max(...tensors.map(({ name }) => Number(/^vision\.hidden(\d+)$/.exec(name)?.[1] ?? 0)));
  /** @type {Set<string>} */
  const projections = new Set();
  return tensors.filter(({ name, bytes }) => {
    if (name.endsWith(".tokens")) return false;
    if (name.endsWith(".logits")) return name === "base.logits";
    if (name.startsWith("vision.hidden")) return ["vision.hidden0", `vision.hidden${lastHidden}`].includes(name);
    if (!/\.projected\d+$/.test(name)) return true;
    const content = bytes.toString("latin1");
    if (projections.has(content)) return false;
    projections.add(content);
    return true;
  });
}

/**
 * The expected values of a family's case, without hidden states and logits of settings, because `greedy_logits` follow
 * from them. Pixels, features and logits of the plain runs above `MAX_BYTES` are left out.
 * @param {Tensor[]} tensors
 * @param {string[]} prompts
 */
function ofFamily(tensors, prompts) {
  return tensors.filter(({ name, bytes }) => {
    const [prompt = "", ...rest] = name.split(".");
    if (!prompts.includes(prompt)) return false;
    const [field = "", ...inner] = rest;
    if (field === "hidden" || inner.at(-1) === "logits") return false;
    return bytes.length <= (MAX_BYTES[/** @type {keyof typeof MAX_BYTES} */ (field)] ?? bytes.length);
  });
}

/**
 * Pictures of a prompt, as its messages name them.
 * @param {{ messages?: { content: unknown }[] }} prompt
 * @returns {string[]}
 */
function picturesOf({ messages = [] }) {
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  return parts.filter(({ type }) => type !== "text").map(({ image }) => String(image));
}

/** @param {unknown} value */
function json(value) {
  // Lists of numbers in one line.
  return `${JSON.stringify(value, null, 1).replace(/\[[\s\d,.eE+-]+\]/g, (list) => list.replace(/\s+/g, ""))}\n`;
}

/**
 * @param {string} folder
 * @returns {string[]} paths of its files from `source`
 */
function filesBelow(folder) {
  return readdirSync(join(source, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(source, join(entry.parentPath, entry.name)))
    .sort();
}

/** @returns {Map<string, Buffer>} path from test/golden -> content */
function compactPart() {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  /** @param {string} path */
  const copy = (path) => files.set(path, readFileSync(join(source, path)));
  for (const table of TABLES) copy(table);
  for (const name of CHECKPOINTS) {
    for (const path of filesBelow(name)) copy(path);
    const expected = `${name}/expected.safetensors`;
    files.set(expected, safetensors(ofCheckpoint(readTensors(join(source, expected)))));
  }
  for (const name of FAMILIES) {
    const folder = `families/${name}`;
    const { prompts, settings, ...rest } = JSON.parse(readFileSync(join(source, folder, "case.json"), "utf8"));
    const kept = prompts.filter((/** @type {object} */ prompt) =>
      picturesOf(prompt).every((path) => path.startsWith("golden/families/pictures/")),
    );
    const names = kept.map((/** @type {{ name: string }} */ { name }) => name);
    if (names.length === 0) throw new Error(`every prompt of ${name} needs a photograph`);
    for (const path of kept.flatMap(picturesOf)) copy(path.replace(/^golden\//, ""));
    for (const path of filesBelow(`${folder}/model`)) copy(path);
    const settingsKept = (settings ?? [])
      .map((/** @type {{ prompts: object }} */ setting) => ({
        ...setting,
        prompts: Object.fromEntries(Object.entries(setting.prompts).filter(([prompt]) => names.includes(prompt))),
      }))
      .filter((/** @type {{ prompts: object }} */ setting) => Object.keys(setting.prompts).length > 0);
    const cut = { ...rest, prompts: kept, ...(settingsKept.length > 0 ? { settings: settingsKept } : {}) };
    files.set(`${folder}/case.json`, Buffer.from(json(cut)));
    const expected = `${folder}/expected.safetensors`;
    files.set(expected, safetensors(ofFamily(readTensors(join(source, expected)), names)));
  }
  return files;
}

/** @returns {string[]} paths of the files in test/golden, except its README */
function presentFiles() {
  if (!existsSync(target)) return [];
  return readdirSync(target, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)))
    .filter((path) => path !== "README.md");
}

try {
  const check = argv[2] === "--check";
  if (argv.length > (check ? 3 : 2)) throw new Error("usage: node tools/goldens.mjs [--check]");
  if (!existsSync(source)) throw new Error(`there is no folder ${source} to copy from`);
  const files = compactPart();
  const bytes = [...files.values()].reduce((sum, content) => sum + content.length, 0);
  if (bytes > MAX_TOTAL_BYTES) throw new Error(`${bytes} bytes are more than ${MAX_TOTAL_BYTES}`);
  const surplus = presentFiles().filter((path) => !files.has(path));
  const outdated = [...files].filter(
    ([path, content]) => !existsSync(join(target, path)) || !readFileSync(join(target, path)).equals(content),
  );
  if (check) {
    for (const path of surplus) console.error(`not in ../shared/golden: test/golden/${path}`);
    for (const [path] of outdated) console.error(`differs from ../shared/golden: test/golden/${path}`);
    if (surplus.length + outdated.length > 0) throw new Error("run node tools/goldens.mjs");
  } else {
    for (const path of surplus) rmSync(join(target, path));
    for (const [path, content] of outdated) {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      writeFileSync(join(target, path), content);
    }
  }
  console.log(`test/golden: ${files.size} files, ${(bytes / 1e6).toFixed(1)} MB`);
} catch (error) {
  console.error(`goldens: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
