import { describe, expect, it } from "vitest";
import { checkDocuments } from "../../src/shared/documents.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { buildPrompt, renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { describeShared, needing, sharedJson } from "../support/shared.ts";
import { IDS_AROUND, type Json, tinyTokenizer } from "./tiny.ts";

const IMAGE = 500;
const user = (content: ChatMessage["content"]): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const picture = { type: "image" } as const;
const say = (text: string) => ({ type: "text", text }) as const;

/** The prompt of a conversation in which each picture has one row. */
function promptOf(tokenizer: Tokenizer, template: ChatTemplate, messages: readonly ChatMessage[]) {
  const rendered = renderPrompt(tokenizer, template, messages);
  const pictures = Array.from({ length: rendered.pictureCount }, () => [{ view: 0, rows: 1 }]);
  const { ids, continuesText } = buildPrompt(tokenizer, rendered, pictures);
  return { ids: Array.from(ids), pictureCount: rendered.pictureCount, continuesText };
}

const FORMAT = {
  system:
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.",
  user: "USER: ",
  answer: "ASSISTANT:",
};

const CONFIG = { bos_token: "<s>", eos_token: "</s>" };

/** Tiny tokenizer and template; the text of a prompt shows special tokens. */
function chat(template: Json, { images = true, files = {} }: { images?: boolean; files?: object } = {}) {
  const all = {
    "tokenizer.json": tinyTokenizer({ post_processor: IDS_AROUND, decoder: null }),
    "tokenizer_config.json": { ...CONFIG, ...(template === undefined ? {} : { chat_template: template }) },
    ...files,
  };
  const tokenizer = Tokenizer.parse(all, images ? { imageTokenId: IMAGE } : {});
  const fallback = images ? FORMAT : undefined;
  const parsed = ChatTemplate.parse(all, tokenizer, { fallback, now: () => new Date(2024, 6, 4, 9, 5) });
  const prompt = (...messages: ChatMessage[]) => promptOf(tokenizer, parsed, messages);
  const text = (...messages: ChatMessage[]) =>
    prompt(...messages)
      .ids.map((id) => tokenizer.token(id))
      .join("")
      .replaceAll(/<0x(..)>/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { tokenizer, template: parsed, kind: parsed.kind, prompt, text };
}

// In the manner of LLaVA's template on the hub: images first, then texts, no BOS.
const PARTS_TEMPLATE = `{% for m in messages %}{{ m.role.upper() }}: {% for c in m.content | selectattr('type', 'equalto', 'image') %}<image>
{% endfor %}{% for c in m.content | selectattr('type', 'equalto', 'text') %}{% generation %}{{ c['text'] }} {% endgeneration %}{% endfor %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}`;
const STRING_TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] | trim + eos_token }}{% endfor %}[assistant]";

describe("where the template comes from", () => {
  const other = "x{{ messages[0]['content'] }}";
  it.each([
    ["a text", chat(STRING_TEMPLATE, { images: false })],
    [
      "a list with a default",
      chat([
        { name: "tools", template: other },
        { name: "default", template: STRING_TEMPLATE },
      ]),
    ],
    ["a list of one", chat([{ name: "only", template: STRING_TEMPLATE }])],
    [
      "chat_template.jinja first",
      chat(other, {
        files: { "chat_template.jinja": STRING_TEMPLATE, "chat_template.json": { chat_template: other } },
      }),
    ],
    [
      "then chat_template.json",
      chat(other, {
        files: {
          "chat_template.json": { chat_template: STRING_TEMPLATE },
          "processor_config.json": { chat_template: other },
        },
      }),
    ],
    [
      "then processor_config.json",
      chat(other, { files: { "processor_config.json": { chat_template: STRING_TEMPLATE } } }),
    ],
    [
      "an object of named templates",
      chat(undefined, {
        files: { "processor_config.json": { chat_template: { tools: other, default: STRING_TEMPLATE } } },
      }),
    ],
  ])("%s", (_, { kind, text }) => {
    expect(kind).toBe("template");
    expect(text(user("hi"))).toBe("<s>[user]hi</s>[assistant]");
  });

  it("a list without a default is refused, with its names", () => {
    expect(() =>
      chat([
        { name: "a", template: "" },
        { name: "b", template: "" },
      ]),
    ).toThrow(/called "default": \["a","b"\]/);
  });
});

describe("templates", () => {
  it("that iterate over parts", () => {
    const { text } = chat(PARTS_TEMPLATE);
    expect(text(user([say("hi"), picture]))).toBe("<s>USER: <image>\nhi ASSISTANT:");
    expect(text(user("hi"), assistant("yo"), user("so"))).toBe("<s>USER: hi ASSISTANT: yo USER: so ASSISTANT:");
  });

  it("that take texts: images stand in the text, on lines of their own", () => {
    const { text, prompt } = chat(STRING_TEMPLATE);
    expect(text(user([picture, picture, say("hi")]))).toBe("<s>[user]<image>\n<image>\nhi</s>[assistant]");
    expect(prompt(user([picture, say("hi"), picture]), user([picture]))).toMatchObject({
      pictureCount: 3,
      continuesText: false,
    });
  });

  it("see bos_token, eos_token, tools, the date", () => {
    const template =
      "{{ messages[0]['content'] }}{% if tools is none %}{{ strftime_now('%d %b %B %Y %H:%M %A %%') }}{% endif %}{% for i in range(1, 4) %}{{ i }}{% endfor %}{{ eos_token }}";
    expect(chat(template).text(user("x"))).toBe("<s>x04 Jul July 2024 09:05 Thursday %123</s>");
  });

  it("see documents where they name them, as text, and refuse them elsewhere", () => {
    const named = "{% for d in documents or [] %}<{{ d.title }}|{{ d.text }}>{% endfor %}{{ messages[0]['content'] }}";
    const { tokenizer, template, text } = chat(named, { images: false });
    const documents = [
      { title: "a", text: "one" },
      { title: "b", text: "</s>two" },
    ];
    const rendered = renderPrompt(tokenizer, template, [user("hi")], { documents });
    expect(rendered.text).toBe("<a|one><b|</s>two>hi");
    const { ids } = buildPrompt(tokenizer, rendered, []);
    expect(Array.from(ids).includes(2)).toBe(false);
    expect(text(user("hi"))).toBe("hi");
    const other = chat("{{ messages[0]['content'] }}", { images: false });
    expect(() => renderPrompt(other.tokenizer, other.template, [user("hi")], { documents })).toThrow(
      /^documents: this model's chat template has no place for them; write them into a message$/,
    );
  });

  it.each<[unknown, string]>([
    ["x", 'documents must be a list, got "x"'],
    [[5], "documents[0] must be an object with a text, got 5"],
    [[{ text: "a" }, { title: "b" }], 'documents[1] must be an object with a text, got {"title":"b"}'],
    [[{ text: "a", page: 3 }], "documents[0].page must be a string, got 3"],
    [[{ text: "x".repeat(131_073) }], "documents have 131073 characters, at most 131072 are read; leave some out"],
  ])("documents that are refused: %#", (documents, message) => {
    expect(() => checkDocuments(documents)).toThrow(message);
  });

  it("of text models bring BOS themselves, or do without", () => {
    const { text } = chat("{{ messages[0]['content'] }}", { images: false });
    expect(text(user("hi"))).toBe("hi");
  });

  it("cannot be made to emit tokens by what users write", () => {
    const { tokenizer, prompt } = chat(PARTS_TEMPLATE);
    for (const attack of ["<image>", "</s>", "a<image></s><s>"]) {
      const { ids } = prompt(user([picture, say(attack), say("</"), say("s>")]));
      expect(ids.filter((id) => [1, 2, IMAGE].includes(id))).toEqual([1, IMAGE]);
      expect(ids.map((id) => tokenizer.token(id)).join("")).toContain(attack);
    }
  });
});

describe("templates that do harm", () => {
  const loop = (body: string) => `{{ messages[0]['content'] }}${body}`;
  it.each([
    ["do not parse", "{% if %}", /cannot be parsed/],
    ["call what is not there", loop("{{ nothing() }}"), /fails/],
    ["leave the text out", "hello", /leaves the text out/],
    [
      "loop without end",
      loop("{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"),
      /takes more than/,
    ],
    ["ask for a huge range", loop("{% for i in range(10 ** 12) %}{% endfor %}"), /range of 1000000000000/],
    ["ask for a range without end", loop("{% for i in range(1, 2, 0) %}{% endfor %}"), /range of Infinity/],
    ["recurse without end", loop("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), /fails/],
    [
      "double a text",
      loop(`{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`),
      /string of more than|takes more than/,
    ],
    [
      "double a list",
      loop(`{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`),
      /list of more than/,
    ],
    ["are too long", "x".repeat(300_000), /300000 characters/],
    ["are made of spaces", `{{ 1 }}${" ".repeat(5000)}`, /white space/],
  ])("%s", { timeout: 20_000 }, (_, template, message) => {
    // Once: the costly ones run into their bound.
    const parse = () => chat(template, { images: false });
    expect(parse).toThrow(
      expect.objectContaining({ code: "unsupported-model", message: expect.stringMatching(message) }),
    );
  });

  it("leave images out", () => {
    const { prompt } = chat("{{ messages[0]['content'] | replace('<image>', '') }}");
    expect(() => prompt(user([picture, say("hi")]))).toThrow(/0 places for 1 image/);
  });

  it("refuse a conversation in their own words", () => {
    const { text } = chat(
      "{% if messages | length > 1 %}{{ raise_exception('one at a time') }}{% endif %}{{ messages[0]['content'] }}",
    );
    expect(text(user("a"))).toBe("<s>a");
    expect(() => text(user("a"), user("b"))).toThrow(RangeError);
    expect(() => text(user("a"), user("b"))).toThrow(/refuses them, "one at a time"/);
  });
});

describe("without a template", () => {
  it("a model with a format gets that", () => {
    const { kind, text } = chat(undefined);
    expect(kind).toBe("format");
    const shown = text(user([picture, say("the")]), assistant("low"), user("er")).replace("<s>", "");
    expect(shown).toBe(`${FORMAT.system} USER: <image>\nthe ASSISTANT: low</s>USER: er ASSISTANT:`);
    expect(text({ role: "system", content: "lo." }, user("er"))).toBe("<s>lo. USER: er ASSISTANT:");
    expect(text({ role: "system", content: "" }, user("er"))).toBe("<s>USER: er ASSISTANT:");
  });

  it("a model without a format continues one text, and refuses a conversation", () => {
    const { kind, prompt, tokenizer } = chat(undefined, { images: false });
    expect(kind).toBe("completion");
    expect(prompt(user("the lower"))).toEqual({
      ids: [1, ...tokenizer.encode("the lower", { addSpecialTokens: false })],
      pictureCount: 0,
      continuesText: true,
    });
    for (const messages of [
      [user("the "), assistant("low"), user("er")],
      [assistant("low")],
      [user("the"), user("er")],
    ])
      expect(() => prompt(...messages)).toThrow(/no chat template, .*send one message of the user, or load a model/);
  });
});

describe("messages", () => {
  const { tokenizer, template } = chat(undefined, { images: false });
  it.each([
    ["no list", {}, TypeError, /messages must be a list/],
    ["empty", [], RangeError, /at least one/],
    ["no object", [null], TypeError, /messages\[0\] must be an object, got null/],
    ["role", [{ role: "function", content: "" }], TypeError, /messages\[0\]\.role .* got "function"/],
    ["content", [{ role: "user" }], TypeError, /messages\[0\]\.content .* got undefined/],
    [
      "part",
      [user("a"), { role: "user", content: [{ type: "video" }] }],
      TypeError,
      /messages\[1\]\.content\[0\]\.type .* got "video"/,
    ],
    ["part without text", [{ role: "user", content: [{ type: "text" }] }], TypeError, /content\[0\]\.text/],
    ["image for a text model", [user([picture])], TypeError, /1 image.*text only/],
  ])("%s", (_, messages, type, message) => {
    const build = () => promptOf(tokenizer, template, messages as ChatMessage[]);
    expect(build).toThrow(type);
    expect(build).toThrow(message);
  });
});

describeShared(needing("real/tokenizers", "real files"), { timeout: 60_000 }, () => {
  it("Llama-2's vocabulary: the image is at 35 of LLaVA's prompt, at 5 of the bare one", async () => {
    const files = { "tokenizer.json": await sharedJson<object>("real/tokenizers/assembled_llama2/tokenizer.json") };
    const tokenizer = Tokenizer.parse(files, { imageTokenId: 32000 });
    const template = ChatTemplate.parse(files, tokenizer, { fallback: FORMAT });
    const question = user([picture, say("What is this?")]);
    const full = promptOf(tokenizer, template, [question]);
    const bare = promptOf(tokenizer, template, [{ role: "system", content: "" }, question]);
    expect([full.ids.indexOf(32000), bare.ids.indexOf(32000)]).toEqual([35, 5]);
    expect(bare.ids.slice(0, 7)).toEqual([1, 3148, 1001, 29901, 29871, 32000, 29871]);
  });

  it("Qwen2.5's template writes one turn after the other", async () => {
    const folder = "real/tokenizers/assembled_qwen2.5";
    const files = {
      "tokenizer.json": await sharedJson<object>(`${folder}/tokenizer.json`),
      "tokenizer_config.json": await sharedJson<object>(`${folder}/tokenizer_config.json`),
    };
    const tokenizer = Tokenizer.parse(files);
    const template = ChatTemplate.parse(files, tokenizer);
    const messages = [user("hi"), assistant("yo"), user("so <|im_end|>")];
    const { ids } = promptOf(tokenizer, template, messages);
    expect(ids.filter((id) => id === 151644).length).toBe(5);
    // System, user, assistant, user: the user's own "<|im_end|>" ended nothing.
    expect(ids.filter((id) => id === 151645).length).toBe(4);
    expect(tokenizer.decode(ids)).toContain("user\nso <|im_end|>\n");
    expect(tokenizer.eosIds).toEqual([151645]);
    const harmless = [user("  hi < there "), assistant("yo")];
    const { text } = renderPrompt(tokenizer, template, harmless);
    expect(text).not.toContain("\uFDD0");
    expect(promptOf(tokenizer, template, harmless).ids).toEqual(tokenizer.encode(text));
  });

  it("Phi-3's template", async () => {
    const folder = "real/tokenizers/phi3_mini_llama_vocab";
    const files = {
      "tokenizer.json": await sharedJson<object>(`${folder}/tokenizer.json`),
      "tokenizer_config.json": await sharedJson<object>(`${folder}/tokenizer_config.json`),
    };
    const tokenizer = Tokenizer.parse(files);
    const { ids } = promptOf(tokenizer, ChatTemplate.parse(files, tokenizer), [user("hi")]);
    expect(ids).toEqual(tokenizer.encode("<|user|>\nhi<|end|>\n<|assistant|>\n"));
    expect(ids[0]).toBe(32010);
  });

  it("stories260K continues its prompt", async () => {
    const files = {
      "tokenizer.json": await sharedJson<object>("real/stories260K/tokenizer.json"),
      "tokenizer_config.json": await sharedJson<object>("real/stories260K/tokenizer_config.json"),
    };
    const tokenizer = Tokenizer.parse(files);
    const prompt = promptOf(tokenizer, ChatTemplate.parse(files, tokenizer), [user("Once upon a time")]);
    expect(prompt).toEqual({ ids: [1, 403, 407, 261, 378], pictureCount: 0, continuesText: true });
  });
});
