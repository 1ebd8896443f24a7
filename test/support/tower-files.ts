/** Files of one case of golden/families, and of one of its towers alone. Browser tests only. */
import { sharedBytes, sharedJson } from "./shared.ts";

export type Files = Record<string, Uint8Array<ArrayBuffer>>;
type Json = Record<string, unknown>;

const NAMES = [
  "config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "model.safetensors",
];

/** @param change of config.json */
export async function towerFiles(folder: string, change: (config: Json) => Json = (config) => config): Promise<Files> {
  const root = `golden/families/${folder}/model`;
  const files = await Promise.all(NAMES.map(async (name) => [name, await sharedBytes(`${root}/${name}`)] as const));
  const config = change(await sharedJson<Json>(`${root}/config.json`));
  return { ...Object.fromEntries(files), "config.json": new TextEncoder().encode(JSON.stringify(config)) };
}

/** The config of one tower as its class saves it. */
export const towerOf =
  (part: "vision_config" | "text_config", architecture: string) =>
  (config: Json): Json => ({
    ...(config[part] as Json),
    architectures: [architecture],
    projection_dim: config.projection_dim,
  });
