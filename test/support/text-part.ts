/** The decoder of a golden checkpoint with pictures, as a checkpoint of its own. Browser tests only. */
import type { ModelFiles } from "../../src/api.ts";
import { COMPANION_FILES } from "../../src/shared/model-files.ts";
import { sharedBytes, sharedBytesIfAny, sharedJson } from "./shared.ts";

/** config.json of the decoder alone. */
export async function textConfig(folder: string): Promise<object> {
  type Config = { text_config: object; tie_word_embeddings: boolean };
  const { text_config, tie_word_embeddings } = await sharedJson<Config>(`golden/families/${folder}/model/config.json`);
  return { ...text_config, tie_word_embeddings };
}

/** The files of a case, with the config of its decoder in place of the whole. Tensors keep their names. */
export async function textPart(folder: string): Promise<ModelFiles> {
  const root = `golden/families/${folder}/model`;
  const names = COMPANION_FILES.filter((name) => !/^(config|preprocessor_config|processor_config)\.json$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => [name, await sharedBytesIfAny(`${root}/${name}`)] as const),
  );
  const files = found.filter((file): file is [string, Uint8Array<ArrayBuffer>] => file[1] !== undefined);
  return {
    ...Object.fromEntries(files),
    "config.json": new TextEncoder().encode(JSON.stringify(await textConfig(folder))),
    "model.safetensors": await sharedBytes(`${root}/model.safetensors`),
  };
}
