// The command line of `npm run ask`: parses and checks it. Checks that files exist; reads only schemas.
import { existsSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ANSWER_DEFINITIONS, ANSWER_HELP, answerOptions } from "./ask-answer-options.mjs";
import { checkFile, parseCount, parseOptions } from "./command-line.mjs";
import { readManifest } from "./manifest.mjs";

const DEFINITIONS = /** @type {const} */ ({
  image: { type: "string", multiple: true },
  pages: { type: "string" },
  video: { type: "string", multiple: true },
  frames: { type: "string" },
  prompt: { type: "string" },
  model: { type: "string" },
  variant: { type: "string" },
  server: { type: "string" },
  tokens: { type: "string" },
  inhibit: { type: "string" },
  "max-tokens": { type: "string" },
  ...ANSWER_DEFINITIONS,
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
});

/** Options whose value is a file, a name or an address. An unset variable of a shell makes one empty. */
const NAMING = /** @type {const} */ (["image", "video", "model", "variant", "server", "schema", "tools"]);

/** Of one video. */
const MAX_FRAMES = 64;

/** The default model. */
const DEFAULT_MODEL = "fovea-demo";

export const HELP = `Asks a model about a picture, in headless Chromium.

  npm run ask -- --image FILE --prompt TEXT

  --model ID|URL|FOLDER  a known model's name (default ${DEFAULT_MODEL}), owner/name[@revision] on the Hugging Face hub, a
                         folder with a checkpoint in Hugging Face layout, or the address of such a folder; or a GGUF file
  --variant NAME         which of several GGUF files to read: its name, or its quantisation, such as Q4_K_M; "list" lists
                         them with their sizes. Without it a terminal asks; otherwise the best one that fits is read
  --server URL           asks a server with OpenAI's interface, such as https://host/v1; --model is the name there
  --image FILE           a picture, or a PDF; repeat it for several pictures, leave it out for a text-only model
  --pages LIST           pages of a PDF, such as 3 or 2-5,9 (default 1)
  --video FILE           a video (MP4, MOV, WebM, Matroska), which the model reads as pictures; --frames N takes N of each at most
  --prompt TEXT          the question; leave it out for a classifier, which prints its five most likely classes
  --tokens N|none        image tokens to keep per picture, or none for no compression (default: the model's own)
  --inhibit R            share of the image tokens that the last layer inhibits, 0 (off) to 1 (default: the model's own)
  --max-tokens N         longest answer, in tokens (default 256)
${ANSWER_HELP}  --json                 prints one JSON object with statistics instead of the answer's text
  --help                 prints this text

The answer goes to standard output; "npm run -s ask" hides npm's own lines. An error is one line on standard error and
exit code 1. FOVEA_API_KEY is the key for --server. HF_TOKEN is the access token for hf: models that need one. CHROME_PATH
names the browser. HF_ENDPOINT is the address of another hub. FOVEA_GPU=1 uses this machine's GPU instead of a software adapter.
`;

/**
 * @typedef {object} AskOptions
 * @property {{ folder: string } | { source: string }} model a local folder, or a source for the library
 * @property {string | undefined} variant of several GGUF files
 * @property {string} [server] address of a server; `model` is its name there
 * @property {string[]} images paths
 * @property {string | undefined} pages of the PDFs among them
 * @property {string[]} videos paths
 * @property {number | undefined} frames pictures of each video at most
 * @property {string | undefined} prompt
 * @property {import("../src/api.ts").Compression | undefined} compression undefined: the model's default
 * @property {import("../src/api.ts").Inhibition | undefined} inhibition
 * @property {number | undefined} maxTokens
 * @property {import("./ask-answer-options.mjs").AnswerOptions} answer
 * @property {boolean} json
 */

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {AskOptions | "help"}
 */
export function parseAskOptions(args) {
  const values = parseOptions(args, DEFINITIONS, '--prompt "What is this?"');
  if (values.help) return "help";
  const { image = [], video = [], frames, pages, prompt, model, variant, tokens, inhibit, json = false } = values;
  const maxTokens = values["max-tokens"];
  for (const name of NAMING)
    if ([values[name] ?? []].flat().some((value) => value.trim() === ""))
      throw new Error(`--${name} is empty; pass a value, or leave it out`);
  if (prompt?.trim() === "") throw new Error("--prompt is empty; write a question");
  for (const path of image) checkFile("--image", path);
  for (const path of video) checkFile("--video", path);
  if (frames !== undefined && video.length === 0) throw new Error("--frames needs --video FILE; name a video");
  if (pages !== undefined && !image.some((path) => /\.pdf$/i.test(path)))
    throw new Error("--pages names pages of a PDF; no --image is one");
  const options = {
    ...(values.server === undefined ? locateModel(model, variant) : onServer(values.server, model, variant)),
    images: image.map((path) => resolve(path)),
    pages,
    videos: video.map((path) => resolve(path)),
    frames: frames === undefined ? undefined : framesOf(frames),
    prompt,
    compression: tokens === undefined ? undefined : compressionOf(tokens),
    inhibition: inhibit === undefined ? undefined : { maxRatio: share("--inhibit", inhibit) },
    maxTokens: maxTokens === undefined ? undefined : parseCount("--max-tokens", maxTokens),
    answer: answerOptions(values),
    json,
  };
  // A language model needs the one, a classifier the other.
  if (prompt === undefined && image.length + video.length === 0 && variant !== "list")
    throw new Error("--prompt is missing; use npm run ask -- --image FILE --prompt TEXT, or --help for all options");
  return options;
}

/**
 * @param {string} server
 * @param {string | undefined} model
 * @param {string | undefined} variant
 * @returns {Pick<AskOptions, "model" | "variant" | "server">}
 */
function onServer(server, model, variant) {
  if (!/^https?:\/\/[^\s/]/i.test(server) || !URL.canParse(server))
    throw new Error("--server must be an http(s) address such as https://host/v1");
  if (!model) throw new Error("--model is missing; name a model of the server");
  if (variant !== undefined) throw new Error("--variant names a file; leave it out with --server");
  return { model: { source: model }, variant, server };
}

/**
 * @param {string | undefined} model
 * @param {string | undefined} variant
 * @returns {Pick<AskOptions, "model" | "variant">}
 */
function locateModel(model, variant) {
  const stats = model ? statSync(model, { throwIfNoEntry: false }) : undefined;
  if (model && stats?.isFile() && /\.gguf$/i.test(model)) {
    if (variant !== undefined) throw new Error("--variant names a file of a folder; --model names a file already");
    return { model: { folder: dirname(resolve(model)) }, variant: basename(model) };
  }
  return { model: locateFolder(model), variant };
}

/**
 * @param {string | undefined} model
 * @returns {AskOptions["model"]}
 */
function locateFolder(model) {
  const known = readManifest().models;
  const name = model ?? DEFAULT_MODEL;
  const entry = known[name];
  if (entry && entry.files.length > 0) return { source: name };
  if (!model)
    throw new Error(
      `--model is missing, and this checkout has no weights of ${DEFAULT_MODEL}; name a folder, an address, or owner/name on the Hugging Face hub`,
    );
  if (entry) throw new Error(`--model ${model}: this checkout has no weights of it; name another model`);
  if (/^[a-z][a-z0-9+.-]+:/i.test(model)) return { source: model };
  const stats = statSync(model, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return { folder: resolve(model) };
  if (stats) throw new Error(`--model ${model} is a file; name its folder, or a GGUF file`);
  if (isHubName(model)) return { source: model };
  throw new Error(
    `--model ${model}: no such folder, and no known model (${Object.keys(known).join(", ")}); name a folder, an address, or owner/name on the Hugging Face hub`,
  );
}

/**
 * True if a path of two parts is a model on the hub, not a mistyped folder. The library reads the name.
 * @param {string} model
 */
function isHubName(model) {
  const [owner = ""] = model.split("/");
  return (
    /^[\w-][\w.-]*\/[\w.-]+(@[^\s:]+)?(:[\w.,+-]+)?$|^(www\.)?(huggingface\.co|hf\.co)\//.test(model) &&
    !existsSync(owner)
  );
}

/** @param {string} text */
function framesOf(text) {
  const count = parseCount("--frames", text);
  if (count > MAX_FRAMES) throw new Error(`--frames must be at most ${MAX_FRAMES}, got ${count}`);
  return count;
}

/**
 * @param {string} tokens
 * @returns {import("../src/api.ts").Compression}
 */
function compressionOf(tokens) {
  if (tokens === "none") return { method: "none" };
  return { method: "vmtc", tokens: parseCount("--tokens", tokens, 'a positive integer or "none"') };
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
