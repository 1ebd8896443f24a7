/** Greedy continuations of stories260K that another implementation wrote. */
import { sharedBytes } from "./shared.ts";

export interface StoryReference {
  prompt: string;
  prompt_ids: number[];
  /** The prompt's ids and the continuation's. */
  ids: number[];
  /** Prompt and continuation. */
  text: string;
  /** The first 16 logits of position 0. */
  first_logits: number[];
}

/** The prompts and continuations. */
export async function storyReferences(): Promise<StoryReference[]> {
  const lines = new TextDecoder()
    .decode(await sharedBytes("real/stories260K/greedy_reference.jsonl"))
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line));
}
