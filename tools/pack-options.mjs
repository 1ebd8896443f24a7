// The command line of `npm run pack`: parses and checks it. Looks at folders; reads no file.
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { parseOptions } from "./command-line.mjs";

const DEFINITIONS = /** @type {const} */ ({
  model: { type: "string" },
  weights: { type: "string" },
  out: { type: "string" },
  compact: { type: "boolean" },
  help: { type: "boolean", short: "h" },
});

export const HELP = `Writes a small copy of a model: a folder in Hugging Face's layout with packed weights, which Fovea and other tools read.

  npm run pack -- --model SOURCE --weights q4 --out FOLDER

  --model ID|URL|FOLDER  owner/name[@revision] on the Hugging Face hub, a folder with a model in any format that Fovea
                         reads, a GGUF file, or the address of a folder
  --weights q4|q8|f16    bits of the language model's layers: 4 or 8, with 8 for a head of its own. f16 packs nothing:
                         all matrices of the copy have 16 bits, those of a packed source, too
  --out FOLDER           where the copy goes; the folder must be empty or missing
  --compact              packs the embeddings in 8 bits, too; Fovea reads such a copy, other tools do not
  --help                 prints this text

The image encoder, its connector and the embeddings keep 16 bits. Memory stays small, whatever the size of the model.
HF_TOKEN is the access token for hf: models that need one, HF_ENDPOINT the address of another hub. docs/formats.md has more.
`;

/**
 * @typedef {object} PackCommand
 * @property {{ folder: string } | { file: string } | { source: string }} model
 * @property {"q4" | "q8" | "f16"} weights
 * @property {string} out absolute path
 * @property {boolean} compact
 */

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {PackCommand | "help"}
 */
export function parsePackOptions(args) {
  const values = parseOptions(args, DEFINITIONS, "--weights q4");
  if (values.help) return "help";
  const { model, weights, out, compact = false } = values;
  if (!model) throw new Error("--model is missing; name a folder, an address, or owner/name on the Hugging Face hub");
  if (weights === undefined) throw new Error("--weights is missing; choose q4, q8 or f16");
  if (weights !== "q4" && weights !== "q8" && weights !== "f16")
    throw new Error(`--weights must be q4, q8 or f16, got ${JSON.stringify(weights)}`);
  if (weights === "f16" && compact) throw new Error("--compact packs embeddings; leave it out with --weights f16");
  if (!out) throw new Error("--out is missing; name a folder for the copy");
  const located = locate(model);
  return { model: located, weights, out: checkOut(out, located), compact };
}

/**
 * @param {string} model
 * @returns {PackCommand["model"]}
 */
function locate(model) {
  if (/^[a-z][a-z0-9+.-]+:/i.test(model)) return { source: model };
  const stats = statSync(model, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return { folder: resolve(model) };
  if (stats && model.toLowerCase().endsWith(".gguf")) return { file: resolve(model) };
  if (stats) throw new Error(`--model ${model} is a file; name its folder`);
  const [owner = ""] = model.split("/");
  if (/^[\w-][\w.-]*\/[\w.-]+(@\S+)?$/.test(model) && !existsSync(owner)) return { source: `hf:${model}` };
  throw new Error(`--model ${model}: no such folder; name a folder, an address, or owner/name on the Hugging Face hub`);
}

/**
 * @param {string} out
 * @param {PackCommand["model"]} model
 */
function checkOut(out, model) {
  const path = resolve(out);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory()) throw new Error(`--out ${out} is a file; name a folder`);
  if (stats && readdirSync(path).length > 0) throw new Error(`--out ${out} is not empty; name an empty or new folder`);
  const parent = dirname(path);
  if (!existsSync(parent)) throw new Error(`--out ${out}: ${parent} does not exist; create it first`);
  const real = join(realpathSync(parent), basename(path));
  if ("folder" in model && `${real}${sep}`.startsWith(`${realpathSync(model.folder)}${sep}`))
    throw new Error(`--out ${out} lies in the model's own folder; name another one`);
  return path;
}
