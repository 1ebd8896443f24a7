// The command line of `npm run ask`: what there is, and what of it makes sense. Looks at files, reads none.
import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseCount, parseOptions } from "./command-line.mjs";
import { readManifest } from "./manifest.mjs";

const DEFINITIONS = /** @type {const} */ ({
  image: { type: "string", multiple: true },
  prompt: { type: "string" },
  model: { type: "string" },
  tokens: { type: "string" },
  inhibit: { type: "string" },
  "max-tokens": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
});

/** What is asked where no model is named. */
const DEFAULT_MODEL = "fovea-demo";

export const HELP = `Asks a model about a picture, in headless Chromium.

  npm run ask -- --image FILE --prompt TEXT

  --model ID|URL|FOLDER  a known model's name (default ${DEFAULT_MODEL}), hf:owner/name[@revision], or a folder with a
                         checkpoint in Hugging Face layout, on this machine or behind an address
  --image FILE           a picture; may be given several times, or left out for a text-only model
  --prompt TEXT          the question; left out for a classifier, which prints its five likeliest classes
  --tokens N|none        image tokens to keep of each picture, or none for no compression (default: half of them)
  --inhibit R            largest share of attention pairs to inhibit, 0 (off) to 1
  --max-tokens N         longest answer, in tokens (default 256)
  --json                 one JSON object instead of the answer's text, with statistics
  --help                 this text

The answer goes to standard output; "npm run -s ask" keeps npm's own lines out of it. An error is one line on standard
error and exit code 1. HF_TOKEN is the access token for hf: models that need one. CHROME_PATH names the browser, FOVEA_GPU=1 uses this machine's GPU in place of the software one.
`;

/**
 * @typedef {object} AskOptions
 * @property {{ folder: string } | { source: string }} model a folder of this machine, or what the library resolves
 * @property {string[]} images paths
 * @property {string | undefined} prompt
 * @property {import("../src/api.ts").Compression | undefined} compression undefined: the library's default
 * @property {import("../src/api.ts").Inhibition | undefined} inhibition
 * @property {number | undefined} maxTokens
 * @property {boolean} json
 */

/**
 * Throws an Error of one line for what cannot be meant.
 * @param {string[]} args
 * @returns {AskOptions | "help"}
 */
export function parseAskOptions(args) {
  const values = parseOptions(args, DEFINITIONS, '--prompt "What is this?"');
  if (values.help) return "help";
  const { image = [], prompt, model, tokens, inhibit, json = false } = values;
  const maxTokens = values["max-tokens"];
  if (prompt?.trim() === "") throw new Error("--prompt is empty");
  for (const path of image) checkPicture(path);
  return {
    model: locateModel(model),
    images: image.map((path) => resolve(path)),
    prompt,
    compression: tokens === undefined ? undefined : compressionOf(tokens),
    inhibition: inhibit === undefined ? undefined : { maxRatio: share("--inhibit", inhibit) },
    maxTokens: maxTokens === undefined ? undefined : parseCount("--max-tokens", maxTokens),
    json,
  };
}

/** @param {string | undefined} model */
function locateModel(model) {
  const known = readManifest().models;
  const name = model || DEFAULT_MODEL;
  const entry = known[name];
  if (entry && entry.files.length > 0) return { source: name };
  if (!model)
    throw new Error(
      `--model is missing, and this checkout has no weights of ${DEFAULT_MODEL} yet: name a folder with a checkpoint, its address, or hf:owner/name`,
    );
  if (entry) throw new Error(`--model ${model}: this checkout has no weights of it yet`);
  if (/^[a-z][a-z0-9+.-]+:/i.test(model)) return { source: model };
  const stats = statSync(model, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return { folder: resolve(model) };
  if (stats) throw new Error(`--model ${model} is a file; name the folder that it lies in`);
  throw new Error(`--model ${model}: there is no such folder`);
}

/** @param {string} path */
function checkPicture(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new Error(`--image ${path}: there is no such file`);
  if (!stats.isFile()) throw new Error(`--image ${path} is not a file`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new Error(`--image ${path} cannot be read`);
  }
}

/**
 * @param {string} tokens
 * @returns {import("../src/api.ts").Compression}
 */
function compressionOf(tokens) {
  if (tokens === "none") return { method: "none" };
  return { method: "vmtc", tokens: parseCount("--tokens", tokens, 'a whole number above 0, or "none"') };
}

/**
 * @param {string} option
 * @param {string} text
 */
function share(option, text) {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1)
    throw new Error(`${option} must be a number from 0 to 1, got ${JSON.stringify(text)}`);
  return value;
}
