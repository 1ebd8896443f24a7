/** Which model is meant, and by what it is known: a folder of this machine, a model that ships, or an address. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { sourceName } from "../src/shared/source.ts";
import { root } from "../tools/library.mjs";
import type { WeightsOption } from "./options.mjs";

export interface ModelSource {
  /** As reports name it. */
  name: string;
  /** Changes with the model's files, and with how its weights are to be kept: answers of the two are not mixed. */
  hash: string;
  /** Where its files are, if on this machine. */
  folder: string | undefined;
  /** What the library is given, if they are not. */
  address: string | undefined;
  /** How its weights are to be kept. */
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

/** Files that the engine reads; what else lies beside a model does not change its answers. */
const MODEL_FILES =
  /^((config|generation_config|preprocessor_config|processor_config|special_tokens_map)\.json|(tokenizer|chat_template|model)[^/]*\.(json|jinja|safetensors))$/;

/** The same wherever the folder lies. */
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

/** Without a download: what the server says about the files. Throws an Error of one line if it has none. */
async function hashOfAddress(address: string): Promise<string> {
  // Other schemes are resolved by the library; they name a revision, or stay what they are.
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
