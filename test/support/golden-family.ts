/**
 * One case of golden/families: a tiny checkpoint, its prompts and the values that transformers computed. The folder's README
 * describes every field and tensor. `sourceOf` is for browser tests only.
 */
import type { Compression, Inhibition, InspectRequest, Message, ModelFiles } from "../../src/api.ts";
import { COMPANION_FILES, DESCRIPTION_FILES, NESTED_FILES } from "../../src/shared/model-files.ts";
import { readSafetensors, type Weights } from "../reference/model/weights.ts";
import { describeModel } from "./describe-model.ts";
import { sharedBytes, sharedBytesIfAny, sharedJson, sharedJsonIfAny, sharedUrl } from "./shared.ts";

type Runs = [first: number, count: number][];

interface SettingPrompt {
  ids: number[];
  imageRows: Runs[];
  greedy: number[];
  /** T of `diverse`, per picture. */
  tokens?: number[];
}

/** Cells of a view -> block, cells out and clusters of each of its stages, skipped ones too. */
export type StagesIn = Record<string, [block: number, cells: number, clusters: number][]>;

export interface FamilySetting {
  name: string;
  vmtc?: { ratio?: number; stages?: number; clusters?: number; merge?: "normalized" | "raw" };
  /** Used where a prompt's count is not given. */
  diverse?: { ratio: number };
  cmai?: Inhibition;
  stagesIn?: StagesIn;
  prompts: Record<string, SettingPrompt>;
}

export interface FamilyPrompt {
  name: string;
  messages: { role: Message["role"]; content: string | { type: string; text?: string; image?: string }[] }[];
  addGenerationPrompt?: boolean;
  options?: { do_image_splitting?: boolean; crop_to_patches?: boolean };
  /** Settings of the image processor in place of the file's. */
  imagesKwargs?: Record<string, unknown>;
  text: string;
  ids: number[];
  views?: [rows: number, cols: number][][];
  imageRows?: Runs[];
  greedy: number[];
}

export interface FamilyCase {
  family: string;
  prompts: FamilyPrompt[];
  settings?: FamilySetting[];
}

export interface GoldenFamily extends FamilyCase {
  expected: Weights;
}

/** Loads a case of golden/families with its expected tensors. */
export async function loadFamily(folder: string): Promise<GoldenFamily> {
  const root = `golden/families/${folder}`;
  const described = await sharedJson<FamilyCase>(`${root}/case.json`);
  return { ...described, expected: readSafetensors(await sharedBytes(`${root}/expected.safetensors`)) };
}

/**
 * The checkpoint of a case: its address, or its files where their config or tokenizer has to be another one.
 *
 * @param settings of the image processor that replace the file's
 * @param fields of config.json that replace the file's
 */
export async function sourceOf(
  folder: string,
  settings?: Record<string, unknown>,
  fields?: Record<string, unknown>,
): Promise<string | ModelFiles> {
  const root = `golden/families/${folder}/model`;
  const [roomier, tokenizer] = await Promise.all([roomierConfig(folder), fullerTokenizer(folder)]);
  const config = fields ? { ...(roomier ?? (await sharedJson<object>(`${root}/config.json`))), ...fields } : roomier;
  const processor = settings && { ...(await sharedJson<object>(`${root}/${PROCESSOR}`)), ...settings };
  if (!config && !tokenizer && !processor) return sharedUrl(root);
  const weights = (await sharedJsonIfAny<{ weight_map: Record<string, string> }>(`${root}/${INDEX}`))?.weight_map;
  const names = [
    ...COMPANION_FILES,
    ...(weights ? [INDEX, ...new Set(Object.values(weights))] : ["model.safetensors"]),
  ];
  const files = await Promise.all(
    names.map(async (name) => [name, await sharedBytesIfAny(`${root}/${pathOf(name)}`)] as const),
  );
  const found = files.filter((file): file is [string, Uint8Array<ArrayBuffer>] => file[1] !== undefined);
  const bytes = (json: object) => new TextEncoder().encode(JSON.stringify(json));
  return {
    ...Object.fromEntries(found),
    ...(config && { "config.json": bytes(config) }),
    ...(tokenizer && { "tokenizer.json": bytes(tokenizer) }),
    ...(processor && { [PROCESSOR]: bytes(processor) }),
  };
}

/** The files of a case. @param change makes another config of its own */
export async function goldenFiles(
  folder: string,
  change: (config: Record<string, unknown>) => object = (config) => config,
): Promise<ModelFiles> {
  const root = `golden/families/${folder}/model`;
  const index = await sharedJsonIfAny<{ weight_map: Record<string, string> }>(`${root}/${INDEX}`);
  const names = [...COMPANION_FILES, ...(index ? [INDEX, ...Object.values(index.weight_map)] : ["model.safetensors"])];
  const files = await Promise.all(
    [...new Set(names)].map(async (name) => [name, await sharedBytesIfAny(`${root}/${pathOf(name)}`)] as const),
  );
  const config = change(await sharedJson(`${root}/config.json`));
  return {
    ...Object.fromEntries(files.filter((file): file is [string, Uint8Array<ArrayBuffer>] => file[1] !== undefined)),
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
  };
}

/** Path of a repository's file. */
function pathOf(name: string): string {
  return NESTED_FILES[name]?.join("/") ?? name;
}

const INDEX = "model.safetensors.index.json";
const PROCESSOR = "preprocessor_config.json";

/** The config of a case whose longest run does not fit its context, with room for it; undefined for the other cases. */
export async function roomierConfig(folder: string): Promise<Config | undefined> {
  const root = `golden/families/${folder}`;
  const [{ prompts, settings = [] }, ...descriptions] = await Promise.all([
    sharedJson<FamilyCase>(`${root}/case.json`),
    ...DESCRIPTION_FILES.map((name) => sharedJsonIfAny<Config>(`${root}/model/${name}`)),
  ]);
  const runs = [...prompts, ...settings.flatMap((setting) => Object.values(setting.prompts))];
  const positions = Math.max(...runs.map(({ ids, greedy }) => ids.length + greedy.length));
  return withRoom(Object.fromEntries(DESCRIPTION_FILES.map((name, i) => [name, descriptions[i]])), positions);
}

interface TokenizerJson {
  model: { vocab: Record<string, number> | unknown[] };
  added_tokens?: { id: number }[];
}

/**
 * The tokenizer of a case whose reference chooses ids that the tokenizer lacks, which the engine never does: with tokens up
 * to the largest of them. Undefined for the other cases.
 */
async function fullerTokenizer(folder: string): Promise<TokenizerJson | undefined> {
  const root = `golden/families/${folder}`;
  const { prompts, settings = [] } = await sharedJson<FamilyCase>(`${root}/case.json`);
  const runs = [...prompts, ...settings.flatMap((setting) => Object.values(setting.prompts))];
  const most = Math.max(...runs.flatMap(({ greedy }) => greedy));
  const tokenizer = await sharedJsonIfAny<TokenizerJson>(`${root}/model/tokenizer.json`);
  if (!tokenizer || Array.isArray(tokenizer.model.vocab)) return undefined;
  const { vocab } = tokenizer.model;
  const known = new Set([...Object.values(vocab), ...(tokenizer.added_tokens ?? []).map(({ id }) => id)]);
  if (most < known.size) return undefined;
  for (let id = known.size; id <= most; id++) vocab[`[unused ${id}]`] = id;
  return tokenizer;
}

export interface Config {
  max_position_embeddings?: number;
  text_config?: Config;
}

/**
 * The config with room for so many positions, undefined where it has that. transformers runs prompts longer than the
 * context that their model names; the engine refuses them. Throws where that would change more than the room.
 */
export function withRoom(files: Record<string, Config | undefined>, positions: number): Config | undefined {
  const { maxPositions, ...decoder } = describeModel(files).decoder!;
  if (positions <= maxPositions) return undefined;
  const raised = (fields: Config): Config => ({
    ...fields,
    ...(fields.max_position_embeddings !== undefined && { max_position_embeddings: positions }),
    ...(fields.text_config && { text_config: raised(fields.text_config) }),
  });
  const config = raised(files["config.json"]!);
  const { maxPositions: room, ...rest } = describeModel({ ...files, "config.json": config }).decoder!;
  if (room < positions || JSON.stringify(rest) !== JSON.stringify(decoder))
    throw new Error(`max_position_embeddings of ${positions} in place of ${maxPositions} makes another model`);
  return config;
}

/** True if a prompt shows a JPEG, which decoders round a little differently. */
export function hasJpeg({ messages }: FamilyPrompt): boolean {
  return messages.some(
    ({ content }) => typeof content !== "string" && content.some(({ image }) => /\.jpe?g$/.test(image ?? "")),
  );
}

/** True if a prompt wants its pictures in one view, by the option that its family has for it. */
function isWhole({ options }: FamilyPrompt): boolean {
  return options?.do_image_splitting === false || options?.crop_to_patches === false;
}

/** The request that a prompt stands for. */
export async function requestOf(prompt: FamilyPrompt): Promise<InspectRequest> {
  const messages: Message[] = [];
  for (const { role, content } of prompt.messages) {
    if (typeof content === "string") {
      messages.push({ role, content });
      continue;
    }
    const parts: Exclude<Message["content"], string> = [];
    for (const part of content)
      parts.push(
        part.image === undefined
          ? { type: "text", text: part.text ?? "" }
          : { type: "image", image: new Blob([await sharedBytes(part.image)]) },
      );
    messages.push({ role, content: parts });
  }
  return {
    messages,
    addGenerationPrompt: prompt.addGenerationPrompt ?? true,
    ...(isWhole(prompt) && { pictures: { maxTiles: 1 } }),
    greedySteps: prompt.greedy.length,
  };
}

/** Compression and inhibition of a setting. */
export function settingOf(
  { name, vmtc, cmai, diverse }: FamilySetting,
  { tokens }: SettingPrompt,
): Pick<InspectRequest, "compression" | "inhibition"> {
  const { clusters, ...rest } = vmtc ?? {};
  // The golden settings write the paper's share of clusters as a number.
  const rules = { ...rest, clusters: clusters === 0.156 ? ("auto" as const) : (clusters ?? "auto") };
  const compression: Compression | undefined =
    name === "diverse"
      ? { method: "diverse", ...(tokens ? { tokens: tokens[0]! } : { ratio: diverse!.ratio }) }
      : vmtc
        ? { method: "vmtc", ...rules }
        : undefined;
  return { ...(compression && { compression }), ...(cmai && { inhibition: cmai }) };
}
