/**
 * Prompts of the golden checkpoints: the text that the chat template renders, the ids with every picture's rows, and
 * where those rows are. The rules for pictures stand here as data, so this also shows what a family has to say.
 */
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tileRuns } from "../../src/families/parts/tile-tags.ts";
import type { PictureRun } from "../../src/spec/picture-spec.ts";
import type { QueryFormat, TranscriptFormat } from "../../src/spec/prompt-spec.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { buildPrompt, type RenderedPrompt, renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer, type TokenizerOptions } from "../../src/text/tokenizer.ts";
import {
  dataRoot,
  describeShared,
  hasShared,
  needing,
  sharedBytes,
  sharedJson,
  testShared,
} from "../support/shared.ts";

interface GoldenPrompt {
  name: string;
  messages: ChatMessage[];
  addGenerationPrompt: boolean;
  text: string;
  ids: number[];
  /** Per picture: [first row, rows] of each run. */
  imageRows: [start: number, count: number][][];
  /** Per picture: rows and columns of tiles. */
  tiles?: [rows: number, cols: number][];
}

interface Rule extends TokenizerOptions {
  /** What stands for a picture whose runs have these numbers of rows. */
  runs(counts: number[], tiles: [rows: number, cols: number]): PictureRun[];
  /** The whole prompt of a family without a chat template. */
  prompt?(text: string): string;
  /** The format of a family whose files have no chat template. */
  fallback?: QueryFormat | TranscriptFormat;
  /** The template writes BOS, and the tokenizer puts one before it. */
  repeatsBos?: boolean;
}

const rows = (counts: number[]) => counts.map((count, view) => ({ view, rows: count }));
const between = (before: string, after: string) => (counts: number[]) => [
  { text: before },
  ...rows(counts),
  { text: after },
];
/** Puts a text before each view, one after each, and one after the last. */
const framed = (before: (view: number) => string, after: (view: number) => string) => (counts: number[]) =>
  counts.flatMap((count, view) => [{ text: before(view) }, { view, rows: count }, { text: after(view) }]);
/** An id for pictures where the files have none; such ids are -200 in the golden files. */
const FREE_ID = 100_000;

const TAGS = {
  fakeToken: "<fake_token_around_image>",
  globalTag: "<global-img>",
  tileTag: (row: number, col: number) => `<row_${row}_col_${col}>`,
};
const tagged: Rule = { runs: (counts, [rowCount, cols]) => tileRuns(rowCount, cols, counts, TAGS) };

/** Tiles in raster order, then the overview; one view has no tag. */
const numbered: Rule = {
  runs(counts, [, cols]) {
    const last = counts.length - 1;
    const tag = (view: number) =>
      view === last ? "<|img_thumbnail|>" : `<|img_row_${Math.floor(view / cols) + 1}_col_${(view % cols) + 1}|>`;
    const start = (view: number) => (view === 0 ? "<|image_start|>" : "") + (last > 0 ? tag(view) : "");
    return framed(start, (view) => (view === last ? "<|image_end|>" : ""))(counts);
  },
};

/** The whole picture, then crops of it; a sentence says so. */
const cropped: Rule = {
  templatePlaceholder: "<start_of_image>",
  runs(counts) {
    const leads = ["Here is the original image ", " and here are some crops to help you see better ", " "];
    const lead = (view: number) => (counts.length > 1 ? leads[Math.min(view, 2)]! : "");
    return framed(
      (view) => `${lead(view)}\n\n<start_of_image>`,
      () => "<end_of_image>\n\n",
    )(counts);
  },
};

const broken: Rule = {
  runs: (counts) =>
    framed(
      () => "",
      (view) => (view < counts.length - 1 ? "[IMG_BREAK]" : "[IMG_END]"),
    )(counts),
};

/** By the beginning of the folder's name; the others have the picture's rows and nothing else. */
const RULES: Record<string, Rule> = {
  fuyu: {
    controlTokens: ["|NEWLINE|", "<0x04>", "|ENDOFTEXT|"],
    endTokens: ["|ENDOFTEXT|"],
    runs: (counts) => rows(counts).flatMap((run) => [run, { text: "|NEWLINE|" }]),
    fallback: { closing: "<0x04>", unmarked: true },
  },
  blip2: { runs: rows, prompt: (text) => `<image></s>${text}` },
  gemma3: cropped,
  idefics3: tagged,
  // Reads pictures by cross-attention: their rows stand beside the prompt, which has a token for each.
  "idefics/": {
    imageTokenId: 440,
    runs: () => [{ view: 0, rows: 5, beside: true }],
    fallback: {
      speaker: "User:",
      answerer: "Assistant:",
      end: "<end_of_utterance>",
      around: "<fake_token_around_image>",
    },
  },
  instructblip: { runs: rows, prompt: (text) => `<image><s>${text}` },
  "internvl-qwen2": { runs: between("<img>", "</img>") },
  "internvl-qwen3": { templatePlaceholder: "<image>", runs: between("<img>", "</img>") },
  lfm2_vl: numbered,
  "minigpt-v2": { templatePlaceholder: "<ImageHere>", runs: rows, repeatsBos: true },
  mistral3: broken,
  "mplug-owl2": { imageTokenId: FREE_ID, templatePlaceholder: "<|image|>", runs: rows },
  nanollava: { imageTokenId: FREE_ID, runs: rows },
  paligemma: { runs: rows, fallback: { closing: "\n" } },
  "qwen-vl": { imageToken: "<imgpad>", templatePlaceholder: "<img></img>", runs: between("<img>", "</img>") },
  shikra: { imageToken: "<im_patch>", templatePlaceholder: "<image>", runs: between("<im_start>", "<im_end>") },
  smolvlm: tagged,
};

/** Prompts that differ from the golden files, and why. */
const KNOWN_DIFFERENCES: Record<string, string> = {
  "smolvlm-s4-tags-bf16/text ids": "a user types a tag's text, which stays text here",
  "shikra-original-f16-sharded/landscape text": "a picture in a string has a line of its own here",
  "shikra-original-f16-sharded/landscape ids": "the same",
  "shikra-original-f16-sharded/tall text": "the same",
  "shikra-original-f16-sharded/tall ids": "the same",
};

const FILES = [
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "config.json"],
  ...["chat_template.jinja", "chat_template.json", "processor_config.json"],
];
const root = `${dataRoot}/golden/families`;
const folders = readdirSync(root).filter((name) => existsSync(`${root}/${name}/model/tokenizer.json`));

/** The files for text in a folder of `../shared`. */
async function readFiles(folder: string) {
  const names = readdirSync(`${dataRoot}/${folder}`).filter((name) => FILES.includes(name));
  const read = (name: string) => sharedBytes(`${folder}/${name}`);
  const texts = await Promise.all(names.map(async (name) => [name, new TextDecoder().decode(await read(name))]));
  return Object.fromEntries(texts) as { "tokenizer.json": string; "config.json": string };
}

async function readModel(folder: string) {
  const files = await readFiles(`golden/families/${folder}/model`);
  const config = JSON.parse(files["config.json"]) as Record<string, number | undefined>;
  const start = Object.keys(RULES).find((name) => `${folder}/`.startsWith(name));
  const rule: Rule = start === undefined ? { runs: rows } : RULES[start]!;
  const configured = rule.imageToken === undefined ? (config.image_token_id ?? config.image_token_index) : undefined;
  const { runs: _, prompt, fallback, repeatsBos, imageTokenId = configured, ...options } = rule;
  const tokenizer = Tokenizer.parse(files, { ...options, imageTokenId });
  const template = prompt ? undefined : ChatTemplate.parse(files, tokenizer, { fallback, repeatsBos });
  const render = ({ text, messages, addGenerationPrompt, imageRows }: GoldenPrompt): RenderedPrompt => {
    if (template) return renderPrompt(tokenizer, template, messages, { addGenerationPrompt });
    return { text, pieces: [prompt!(text)], pictureCount: imageRows.length, addBos: false, continuesText: true };
  };
  return { tokenizer, rule, render };
}

const isText = (folder: string) => !/^(clip|siglip)/.test(folder);

describe("golden prompts", () => {
  it.each(folders.filter(isText))("%s", async (folder) => {
    const { prompts } = await sharedJson<{ prompts: GoldenPrompt[] }>(`golden/families/${folder}/case.json`);
    expect(prompts.length).toBeGreaterThan(0);
    const { tokenizer, rule, render } = await readModel(folder);
    for (const prompt of prompts) {
      const check = (what: string, got: unknown, expected: unknown) => {
        const name = `${folder}/${prompt.name} ${what}`;
        if (name in KNOWN_DIFFERENCES) expect(got, name).not.toEqual(expected);
        else expect(got, name).toEqual(expected);
        return !(name in KNOWN_DIFFERENCES);
      };
      const rendered = render(prompt);
      check("text", rendered.text, prompt.text);
      const pictures = prompt.imageRows.map((runs, i) =>
        rule.runs(
          runs.map(([, count]) => count),
          prompt.tiles?.[i] ?? [0, 0],
        ),
      );
      const built = buildPrompt(tokenizer, rendered, pictures);
      const ids = Array.from(built.ids, (id) => (id === FREE_ID ? -200 : id));
      if (check("ids", ids, prompt.ids)) {
        const inPrompt = built.pictures.map((runs) => runs.filter(({ count }) => count > 0));
        const ranges = inPrompt.map((runs) => runs.map(({ start, count }) => [start, count]));
        expect(ranges, prompt.name).toEqual(prompt.imageRows);
      }
    }
  });

  it("are all read", () => {
    expect(folders.length).toBeGreaterThan(hasShared ? 50 : 3);
  });

  it("the one user who types a tag gets its text", async () => {
    const folder = "smolvlm-s4-tags-bf16";
    const { prompts } = await sharedJson<{ prompts: GoldenPrompt[] }>(`golden/families/${folder}/case.json`);
    const { tokenizer, render } = await readModel(folder);
    const prompt = prompts.find(({ name }) => name === "text")!;
    const ids = Array.from(buildPrompt(tokenizer, render(prompt), []).ids);
    const tag = tokenizer.tokenId("<row_1_col_1>")!;
    expect(prompt.ids.filter((id) => id === tag).length).toBe(1);
    expect(ids).not.toContain(tag);
    const at = prompt.ids.indexOf(tag);
    const written = ids.slice(at, at + ids.length - prompt.ids.length + 1);
    expect(written.map((id) => tokenizer.token(id)).join("")).toBe("<row_1_col_1>");
    expect(ids.toSpliced(at, written.length, tag)).toEqual(prompt.ids);
  });

  testShared(needing("golden/families/fuyu", "fuyu's tokens that no file names"), async () => {
    const { tokenizer, render } = await readModel("fuyu");
    const ask = (content: string) => {
      const rendered = { text: "", imageRows: [], addGenerationPrompt: true, name: "", ids: [] };
      return [...buildPrompt(tokenizer, render({ ...rendered, messages: [{ role: "user", content }] }), []).ids];
    };
    expect(tokenizer.eosIds).toEqual([2, tokenizer.tokenId("|ENDOFTEXT|")]);
    // Text alone is not closed, and what a user types stays text.
    const typed = "a|NEWLINE|b|SPEAKER|c<0x04>d|ENDOFTEXT|";
    const ids = ask(typed);
    for (const token of ["|NEWLINE|", "|SPEAKER|", "<0x04>", "|ENDOFTEXT|"])
      expect(ids, token).not.toContain(tokenizer.tokenId(token));
    expect(ids[0]).toBe(tokenizer.bosId);
    expect(tokenizer.decode(ids)).toBe(typed);
  });
});

describeShared(needing("golden/families", "golden texts of two-tower models"), () => {
  it.each(folders.filter((folder) => !isText(folder)))("%s", async (folder) => {
    const { pairs } = await sharedJson<{ pairs: { texts: string[]; ids: number[][]; textTokens: number[] } }>(
      `golden/families/${folder}/case.json`,
    );
    const tokenizer = Tokenizer.parse(await readFiles(`golden/families/${folder}/model`));
    for (const [i, text] of pairs.texts.entries()) {
      // The processor lower-cases, not the tokenizer.
      const ids = tokenizer.encode(folder.startsWith("siglip2") ? text.toLowerCase() : text);
      const expected = pairs.ids[i]!.slice(0, pairs.textTokens[i]);
      const end = ids.at(-1)!;
      expect(ids.length > expected.length ? [...ids.slice(0, expected.length - 1), end] : ids, text).toEqual(expected);
    }
  });
});

describeShared(needing("golden/formats", "golden texts of packed checkpoints"), () => {
  const formats = `${dataRoot}/golden/formats`;
  const packed = hasShared
    ? readdirSync(formats).filter((name) => existsSync(`${formats}/${name}/model/tokenizer.json`))
    : [];

  it.each(packed)("%s", async (folder) => {
    const described = await sharedJson<{ tokenizer: { text: string; ids: number[] }[]; prompts: GoldenPrompt[] }>(
      `golden/formats/${folder}/case.json`,
    );
    const files = await readFiles(`golden/formats/${folder}/model`);
    const tokenizer = Tokenizer.parse(files);
    const template = ChatTemplate.parse(files, tokenizer);
    for (const { text, ids } of described.tokenizer)
      expect(tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
    for (const { messages, addGenerationPrompt, text, ids } of described.prompts) {
      const rendered = renderPrompt(tokenizer, template, messages, { addGenerationPrompt });
      expect(rendered.text).toBe(text);
      expect([...buildPrompt(tokenizer, rendered, []).ids]).toEqual(ids);
    }
  });

  it("are all read", () => {
    expect(packed.length).toBeGreaterThan(8);
  });
});

testShared(needing("golden/families", "texts that a Q-Former reads beside the decoder"), async () => {
  const folder = "golden/families/instructblip-vicuna";
  const { prompts } = await sharedJson<{ prompts: { text: string; qformerIds: number[] }[] }>(`${folder}/case.json`);
  const tokenizer = Tokenizer.parse(await readFiles(`${folder}/model/qformer_tokenizer`));
  expect(prompts.length).toBeGreaterThan(1);
  for (const { text, qformerIds } of prompts) expect(tokenizer.encode(text)).toEqual(qformerIds.flat());
});
