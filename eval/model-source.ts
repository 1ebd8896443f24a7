/** Finds the model to evaluate, and its hash: a local folder, a shipped model, or an address. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { sourceName } from "../src/shared/source.ts";
import { root } from "../tools/library.mjs";
import type { WeightsOption } from "./options.mjs";

export interface ModelSource {
  /** Name in reports. */
  name: string;
  /** Changes with the model's files and with the storage of its weights, so that their answers are not mixed. */
  hash: string;
  /** Folder of its files, if on this machine. */
  folder: string | undefined;
  /** Source for the library, if the files are not on this machine. */
  address: string | undefined;
  /** The storage of its weights. */
  weights: WeightsOption;
}

/** Throws an Error of one line if there is no such model. */
export async function findModel(wanted: string, weights: WeightsOption = "auto"): Promise<ModelSource> {
  const { hash, ...found } = await findFiles(wanted);
  return { ...found, weights, hash: weights === "auto" ? hash : `${hash} ${weights}` };
}

async function findFiles(wanted: string): Promise<Omit<ModelSource, "weights">> {
  const shipped = `${root}public/${wanted}`;
  const folder = [shipped, resolve(wanted)].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (folder) return { name: basename(folder), hash: hashOfFolder(folder), folder, address: undefined };
  const address = sourceName(wanted);
  if (!/^[a-z][a-z0-9+.-]+:/i.test(address))
    throw new Error(`--model ${wanted}: no such folder, and no model of that name in public/`);
  return { name: address, hash: await hashOfAddress(address), folder: undefined, address };
}

/** Files that the engine reads; other files do not change the answers. */
const MODEL_FILES =
  /^((config|generation_config|preprocessor_config|processor_config|special_tokens_map)\.json|(tokenizer|chat_template|model)[^/]*\.(json|jinja|safetensors))$/;

/** A hash independent of the folder's path. */
function hashOfFolder(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort())
    if (MODEL_FILES.test(name))
      hash
        .update(`${name}\0`)
        .update(readFileSync(join(folder, name)))
        .update("\0");
  return hash.digest("hex");
}

/** A hash of the server's headers for the files, without a download. Throws an Error of one line if there are none. */
async function hashOfAddress(address: string): Promise<string> {
  // The library resolves other schemes, which name a revision or do not change.
  if (!/^https?:/.test(address)) return createHash("sha256").update(address).digest("hex");
  const base = address.endsWith("/") ? address : `${address}/`;
  const hash = createHash("sha256").update(base);
  for (const name of ["config.json", "tokenizer.json", "model.safetensors", "model.safetensors.index.json"]) {
    const { status, ok, headers } = await fetch(new URL(name, base), { method: "HEAD" });
    if (name === "config.json" && !ok) throw new Error(`--model ${address}: HTTP ${status} for its config.json`);
    if (ok)
      hash.update(`${name} ${headers.get("etag")} ${headers.get("last-modified")} ${headers.get("content-length")}`);
  }
  return hash.digest("hex");
}
