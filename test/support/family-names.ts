/**
 * Names of model families in code: identifiers, strings and file names. Comments may name families. Words that also mean
 * something else ("clip", "phi", "intern") count only in a form that means the family.
 */
import { parseAst } from "vite";
import { readSource } from "./sources.ts";

/** No other word contains these. */
const ANYWHERE =
  /llava|llama|qwen|siglip|idefics|smolvlm|smollm|gemma|blip|fuyu|mistral|pixtral|vicuna|granite|olmo|stablelm|shikra|minigpt|mplug|intern(vl|vit|lm)/i;

/** Whole words, with a version or without one. */
const WORD = /^(vit|lfm|pali|intern|phi[1-9])\d*$/;

/** CLIP in capitals, or where a config or a repository names it; "clip" alone is cutting off. ViT as it is written. */
const CLIP = /CLIP|ViT(?![a-z])|clip[_-](vision|text|vit|model)|Clip(Vision|Text|Model|Image)/;

/** The model type or class of Phi; "phi" alone is an angle. */
const PHI = /(?<![a-z])phi[_-]?[1-9]|Phi(\d|For|Model|Config)/;

/** Words of an identifier or a string, in small letters: "clipToPicture" has three. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z\d]+/)
    .map((word) => word.toLowerCase());
}

/** True for an identifier, or a name of a file, that names a family. */
export function namesFamily(text: string): boolean {
  return ANYWHERE.test(text) || CLIP.test(text) || PHI.test(text) || wordsOf(text).some((word) => WORD.test(word));
}

/** The same of a string, which may be the bare name that a config has. */
export function stringNamesFamily(text: string): boolean {
  return namesFamily(text) || /^(clip|phi)$/.test(text);
}

/** Identifiers and strings of a TypeScript file, or words of a shader, that name a family. */
export function familyNamesIn(file: string): string[] {
  const source = readSource(file);
  if (!file.endsWith(".ts")) return (withoutComments(source).match(/[\w-]+/g) ?? []).filter(namesFamily);
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { type, name, value } = node as { type?: string; name?: unknown; value?: unknown };
    if (/Identifier$/.test(type ?? "") && typeof name === "string" && namesFamily(name)) found.push(name);
    const text = type === "TemplateElement" ? (value as { raw: string }).raw : value;
    if (/^(Literal|TemplateElement)$/.test(type ?? "") && typeof text === "string" && stringNamesFamily(text))
      found.push(text.trim().slice(0, 60));
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(source, { lang: "ts" }));
  return found;
}

function withoutComments(source: string): string {
  return source.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, " ");
}
