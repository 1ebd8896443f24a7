// node tools/manifest.mjs FOLDER ID: writes a known model's entry into weights-manifest.json, from the files in its folder.
// Also reads the manifest for the other tools.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const file = fileURLToPath(new URL("../weights-manifest.json", import.meta.url));
const folderOfModels = fileURLToPath(new URL("../public/", import.meta.url));

/** Names of a model's files; a test compares them with those in src/weights/listing.ts. */
const MODEL_FILE =
  /^((config|fovea|generation_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|chat_template)\.json|chat_template\.jinja|model\.safetensors(\.index\.json)?|.+\.safetensors)$/;

/**
 * @typedef {{ note?: string, maxPictures?: number }} About
 * @typedef {{ location: string, options: { maxContext?: number }, about?: About, files: { name: string, bytes: number, sha256: string }[] }} Entry
 * @typedef {{ format: 1, hub: string, models: Record<string, Entry>, suggested: object[] }} Manifest
 */

/** @returns {Manifest} */
export function readManifest() {
  return JSON.parse(readFileSync(file, "utf8"));
}

/**
 * The known models whose files are in this checkout, with their folders.
 * @returns {{ location: string, folder: string, files: string[] }[]}
 */
export function ownModels() {
  return Object.values(readManifest().models)
    .filter(({ location, files }) => files.length > 0 && !location.includes(":"))
    .map(({ location, files }) => ({
      location,
      folder: `${folderOfModels}${location}`,
      files: files.map(({ name }) => name),
    }));
}

/**
 * The entry of a model in the site's own files. Keeps its existing options, and what is said about it.
 * @param {string} folder
 * @param {Entry | undefined} before
 * @returns {Entry}
 */
export function entryOf(folder, before) {
  const files = readdirSync(folder)
    .filter((name) => MODEL_FILE.test(name))
    .sort()
    .map((name) => {
      const bytes = readFileSync(`${folder}/${name}`);
      return { name, bytes: bytes.byteLength, sha256: createHash("sha256").update(bytes).digest("hex") };
    });
  if (!files.some(({ name }) => name === "config.json")) throw new Error(`${folder} has no config.json`);
  if (!files.some(({ name }) => name.endsWith(".safetensors"))) throw new Error(`${folder} has no safetensors file`);
  const about = before?.about && { about: before.about };
  return { location: `${basename(resolve(folder))}/`, options: before?.options ?? {}, ...about, files };
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const [folder = "", id = "", ...more] = argv.slice(2);
  try {
    if (!folder || !id || more.length > 0) throw new Error("usage: node tools/manifest.mjs FOLDER ID");
    if (!existsSync(folder)) throw new Error(`no such folder: ${folder}`);
    if (resolve(folder, "..") !== resolve(folderOfModels))
      throw new Error(`${folder} is not a folder in public/; move it there`);
    const manifest = readManifest();
    const entry = entryOf(folder, manifest.models[id]);
    manifest.models[id] = entry;
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    const bytes = entry.files.reduce((sum, { bytes }) => sum + bytes, 0);
    console.log(`${id}: ${entry.files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
  } catch (error) {
    console.error(`manifest: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
