/** Warnings of a load: valid parts of a model that are ignored. Faults are errors. */
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ChatTemplate } from "../text/chat-template.ts";
import { filesToLoad, isModelFile } from "../weights/formats/registry.ts";
import { ADAPTER_FILE } from "./read-model.ts";

type Warn = (message: string) => void;

/** Files that repeat the contents of tokenizer.json. */
const REPEATED = ["vocab.json", "added_tokens.json"];
const SHOWN_NAMES = 5;

/** Warns of given files that would change a model elsewhere: adapters, weights in other formats, unknown settings. */
export function warnOfUnreadFiles(paths: readonly string[], warn: Warn, variant?: string): void {
  const names = paths.map((path) => path.split(/[/\\]/).at(-1)!);
  const read = filesToLoad(names, variant);
  const isUnread = (name: string) =>
    isModelFile(name)
      ? !read.includes(name)
      : /\.(json|jinja|bin|gguf|pt|pth|onnx|npz)$/.test(name) && !REPEATED.includes(name);
  const unread = names.filter(isUnread);
  if (unread.length === 0) return;
  const shown = unread.slice(0, SHOWN_NAMES).map((name) => name.slice(0, 80));
  const more = unread.length > SHOWN_NAMES ? ` and ${unread.length - SHOWN_NAMES} more` : "";
  warn(
    `Files that are not read: ${shown.join(", ")}${more}. Adapters and other formats must be merged or converted first.`,
  );
}

/** Warns of an adapter that is published beside a model's weights. */
export function warnOfAdapter(names: readonly string[], warn: Warn): void {
  if (names.includes(ADAPTER_FILE))
    warn(`${ADAPTER_FILE}: the adapter is not applied; merge it into the weights first.`);
}

/** The parts of a language that the warnings are about. */
interface LanguageParts {
  template: Pick<ChatTemplate, "kind">;
  sampling: readonly string[];
}

/** Warns of missing parts of a language model, and of its publisher's sampling settings, which are not applied. */
export function warnOfLanguage({ decoder }: ModelSpec, language: LanguageParts | undefined, warn: Warn): void {
  if (!decoder) return;
  if (!language) {
    warn("The model has no tokenizer.json, so it cannot answer questions; only inspect and encodeImage work.");
    return;
  }
  const { template, sampling } = language;
  if (template.kind === "format" || template.kind === "transcript")
    warn("The model has no chat template. Prompts are written in the plain format of its family.");
  if (template.kind === "completion")
    warn("The model has no chat template. It continues the bare text of one message, and refuses a conversation.");
  if (sampling.length > 0)
    warn(`generation_config.json recommends ${sampling.join(", ")}. Requests that set nothing are answered greedily.`);
}

/** Settings of transformers' sampling that change which tokens are chosen. */
const SAMPLING = ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "no_repeat_ngram_size", "num_beams"];
const NEUTRAL: Readonly<Record<string, number>> = {
  temperature: 1,
  top_p: 1,
  top_k: 50,
  repetition_penalty: 1,
  num_beams: 1,
};

/** The sampling settings that generation_config.json recommends, such as "temperature 0.2"; none for a damaged file. */
export function recommendedSampling(config: Readonly<Record<string, unknown>>): string[] {
  const isOn = (name: string) => {
    const value = config[name];
    if (typeof value !== "number" || value === 0 || value === NEUTRAL[name]) return false;
    // These count only where transformers samples.
    return config.do_sample === true || /repetition|ngram|beams/.test(name);
  };
  return SAMPLING.filter(isOn).map((name) => `${name} ${String(config[name])}`);
}
