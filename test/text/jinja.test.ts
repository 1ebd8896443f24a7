/** Chat templates against Python's jinja2 with the settings of transformers; jinja/make.py computes the expected texts. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import type { Tool } from "../../src/shared/tools.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import { JinjaTemplate, TemplateRefusal } from "../../src/text/jinja.ts";
import { LIBRARY_VERSION } from "../../src/text/jinja-python.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { tinyTokenizer } from "./tiny.ts";

/** A text, or the words in which jinja2 or the template refuses. */
type Expected = string | { refused: string };
interface Matrix {
  variables: Record<string, unknown>;
  tools: Tool[];
  conversations: Record<string, Record<string, ChatMessage[]>>;
  templates: Record<string, { form: string; texts: Record<string, Expected> }>;
}

const folder = new URL("./jinja/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
const NOW = new Date(2024, 6, 4, 9, 5, 3);

it("the installed library is the one whose faults are worked around", () => {
  const url = new URL("../../node_modules/@huggingface/jinja/package.json", import.meta.url);
  expect(JSON.parse(readFileSync(url, "utf8")).version).toBe(LIBRARY_VERSION);
});

describe("expressions", () => {
  const { variables, expressions } = JSON.parse(read("expressions.json"));
  it.each(expressions as { template: string; text: Expected }[])("$template", ({ template, text }) => {
    const render = () => new JinjaTemplate(template, "test").render(variables, NOW);
    if (typeof text === "string") expect(render()).toBe(text);
    else expect(render).toThrow(FoveaError);
  });
});

describe("strftime_now", () => {
  const { formats, times } = JSON.parse(read("times.json")) as { formats: string[]; times: [number[], string[]][] };
  it.each(times)("%j", ([year, month, ...rest], texts) => {
    const when = new Date(year!, month! - 1, ...rest);
    expect(
      formats.map((format) => new JinjaTemplate("{{ strftime_now(f) }}", "test").render({ f: format }, when)),
    ).toEqual(texts);
  });
});

it.each(["1 not in [] == 2", "1 == 1 not in []"])("%s is refused: its operator cannot be told apart", (condition) => {
  expect(() => new JinjaTemplate(`{{ ${condition} }}`, "test")).toThrow(/chains ".+" and ".+"/);
});

it("a function that is printed instead of called is an error", () => {
  expect(() => new JinjaTemplate("{{ 'a'.strip }}", "test").render({}, NOW)).toThrow(/prints a function/);
});

it("a file with line ends of Windows or old Macs is the same template", () => {
  const source = "{% for m in messages %}\n{{ m }}\n  {% endfor %}\n{{ 'a\n' }}|\n\n";
  const render = (text: string) => new JinjaTemplate(text, "test").render({ messages: [1, 2] }, NOW);
  expect(render(source)).toBe("1\n2\na\n|\n");
  expect(render(source.replaceAll("\n", "\r\n"))).toBe("1\n2\na\n|\n");
  expect(render(source.replaceAll("\n", "\r"))).toBe("1\n2\na\n|\n");
});

it.each([
  [
    "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    /Git LFS pointer, not the file itself of 5 bytes/,
  ],
  ["<!DOCTYPE html><title>Not found</title>", /chat_template\.jinja: it is a web page; check the address/],
])("a chat_template.jinja that holds something else is named: %s", (text, message) => {
  const files = { "tokenizer.json": tinyTokenizer(), "chat_template.jinja": text };
  expect(() => ChatTemplate.parse(files, Tokenizer.parse(files))).toThrow(message);
});

describe("tokens that a template writes by name", () => {
  const NAMES = ["bos_token", "unk_token", "pad_token", "sep_token", "image_token", "boi_token", "video_token"];
  const source = `${NAMES.map((name) => `{{ ${name} }}`).join(",")},{{ additional_special_tokens }}{{ messages[0].content }}`;
  const prompt = (files: object) => {
    const all = { "tokenizer.json": tinyTokenizer(), "chat_template.jinja": source, ...files };
    const tokenizer = Tokenizer.parse(all);
    return renderPrompt(tokenizer, ChatTemplate.parse(all, tokenizer), [{ role: "user", content: "!" }]).text;
  };

  it("come from tokenizer_config.json, then from special_tokens_map.json", () => {
    const config = {
      bos_token: "<s>",
      unk_token: { content: "<unk>", lstrip: false },
      add_bos_token: true,
      image_token: "<image>",
      extra_special_tokens: { boi_token: "<boi>" },
    };
    const map = { bos_token: "<other>", pad_token: { content: "<pad>" }, sep_token: "<sep>", video_token: "<video>" };
    const files = { "tokenizer_config.json": config, "special_tokens_map.json": map };
    expect(prompt(files)).toBe("<s>,<unk>,<pad>,<sep>,<image>,<boi>,<video>,!");
  });

  it("are a list where the file lists them", () => {
    const list = ["<a>", { content: "<b>" }];
    const expected = ",,,,,,,['<a>', '<b>']!";
    expect(prompt({ "special_tokens_map.json": { additional_special_tokens: list } })).toBe(expected);
    expect(prompt({ "tokenizer_config.json": { extra_special_tokens: list } })).toBe(expected);
  });
});

describe("templates and conversations", () => {
  const matrix: Matrix = JSON.parse(read("matrix.json"));
  const names = Object.keys(matrix.templates);

  it("are 27 and 8", () => {
    expect(names).toHaveLength(27);
    expect(readdirSync(new URL("templates/", folder)).sort()).toEqual(names.map((name) => `${name}.jinja`).sort());
    for (const { texts } of Object.values(matrix.templates)) expect(Object.keys(texts)).toHaveLength(8);
  });

  describe.each(names)("%s", (name) => {
    const { form, texts } = matrix.templates[name]!;
    const source = read(`templates/${name}.jinja`);
    it.each(Object.entries(texts))("%s", (title, expected) => {
      const messages = matrix.conversations[form]![title]!;
      const tools = title.startsWith("tools") ? matrix.tools : null;
      const isOpen = messages.at(-1)!.role !== "assistant";
      const variables = { ...matrix.variables, messages, tools, add_generation_prompt: isOpen };
      const render = () => new JinjaTemplate(source, name).render(variables, NOW);
      if (typeof expected === "string") expect(render()).toBe(expected);
      else expect(render).toThrow(new TemplateRefusal(expected.refused));
    });

    // Callers give parts; each role gets the form that the template takes, and its control tokens stay text.
    const hasTools = /-tools$|-args$/.test(name);
    const titles = Object.keys(texts).filter((title) => hasTools || !title.startsWith("tools"));
    it.each(titles)("%s, as a prompt", (title) => {
      const files = {
        "tokenizer.json": tinyTokenizer({ added_tokens: CONTROL_TOKENS }),
        "tokenizer_config.json": { ...matrix.variables, chat_template: source },
      };
      const placeholder = PLACEHOLDERS[name] ?? "<image>";
      const tokenizer = Tokenizer.parse(files, { imageToken: "<image>", templatePlaceholder: placeholder });
      const template = ChatTemplate.parse(files, tokenizer, { now: () => NOW });
      const messages = matrix.conversations.parts![title]!;
      const isOpen = messages.at(-1)!.role !== "assistant";
      const tools = title.startsWith("tools") ? { tools: matrix.tools } : {};
      const { text } = renderPrompt(tokenizer, template, messages, { addGenerationPrompt: isOpen, ...tools });
      // A picture in a string is the placeholder on a line of its own.
      expect(text).toBe(texts[title]);
    });
  });
});

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "qwen3-vl": "<|vision_start|><|image_pad|><|vision_end|>",
  internvl: "<IMG_CONTEXT>\n",
  mistral3: "[IMG]",
  gemma3: "<start_of_image>",
};

const CONTROL_TOKENS = ["<unk>", "<s>", "</s>", "<image>", "<|im_start|>", "<|im_end|>", "[INST]", "<|eot_id|>"].map(
  (content, i) => ({ id: i < 3 ? i : 500 + i, content, special: true }),
);
