/**
 * One case of golden/families: a tiny checkpoint, its prompts and the values that transformers computed. The folder's README
 * describes every field and tensor. Browser tests only.
 */
import type { Compression, Inhibition, InspectRequest, Message, ModelFiles } from "../../src/api.ts";
import { readSafetensors, type Weights } from "../reference/model/weights.ts";
import { sharedBytes, sharedJson, sharedUrl } from "./shared.ts";

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
  cmai?: Inhibition;
  stagesIn?: StagesIn;
  prompts: Record<string, SettingPrompt>;
}

export interface FamilyPrompt {
  name: string;
  messages: { role: Message["role"]; content: string | { type: string; text?: string; image?: string }[] }[];
  addGenerationPrompt?: boolean;
  options?: { do_image_splitting?: boolean; crop_to_patches?: boolean };
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

export async function loadFamily(folder: string): Promise<GoldenFamily> {
  const root = `golden/families/${folder}`;
  const described = await sharedJson<FamilyCase>(`${root}/case.json`);
  return { ...described, expected: readSafetensors(await sharedBytes(`${root}/expected.safetensors`)) };
}

/**
 * Cases with a prompt that is longer than the context that their model names, which transformers runs and the engine refuses:
 * a larger `max_position_embeddings`, on which nothing else depends there.
 */
const LONGER_CONTEXTS: Readonly<Record<string, number>> = { "text-qwen3-yarn": 256 };

/** The checkpoint of a case. */
export async function sourceOf(folder: string): Promise<string | ModelFiles> {
  const root = `golden/families/${folder}/model`;
  const max_position_embeddings = LONGER_CONTEXTS[folder];
  if (max_position_embeddings === undefined) return sharedUrl(root);
  const names = ["model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"];
  const files = await Promise.all(names.map(async (name) => [name, await sharedBytes(`${root}/${name}`)] as const));
  const config = { ...(await sharedJson<object>(`${root}/config.json`)), max_position_embeddings };
  return { ...Object.fromEntries(files), "config.json": new TextEncoder().encode(JSON.stringify(config)) };
}

/** Whether a prompt shows a JPEG, which decoders round a little differently. */
export function hasJpeg({ messages }: FamilyPrompt): boolean {
  return messages.some(
    ({ content }) => typeof content !== "string" && content.some(({ image }) => /\.jpe?g$/.test(image ?? "")),
  );
}

/** Whether a prompt wants its pictures in one view, by the option that its family has for it. */
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
  { name, vmtc, cmai }: FamilySetting,
  { tokens }: SettingPrompt,
): Pick<InspectRequest, "compression" | "inhibition"> {
  const { clusters, ...rest } = vmtc ?? {};
  // The golden settings write the paper's share of clusters as a number.
  const rules = { ...rest, clusters: clusters === 0.156 ? ("auto" as const) : (clusters ?? "auto") };
  const compression: Compression | undefined =
    name === "diverse" ? { method: "diverse", tokens: tokens![0]! } : vmtc ? { method: "vmtc", ...rules } : undefined;
  return { ...(compression && { compression }), ...(cmai && { inhibition: cmai }) };
}
