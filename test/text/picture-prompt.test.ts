/** Pictures in a prompt: their runs of text and rows, in the place of the template's placeholder. */
import { describe, expect, it } from "vitest";
import type { PictureRun } from "../../src/spec/picture-spec.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { buildPrompt, renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer, type TokenizerOptions } from "../../src/text/tokenizer.ts";
import { IDS_AROUND, type Json, tinyTokenizer } from "./tiny.ts";

const IMAGE = 500;
const FAKE = 501;
const picture = { type: "image" } as const;
const say = (text: string) => ({ type: "text", text }) as const;
const rows = (count: number, view = 0): PictureRun => ({ view, rows: count });
// Letters of the tiny tokenizer only, so that a byte never stands for one.
const TEMPLATE =
  "{% for m in messages %}{{ m.role }}.{% for c in m.content %}{% if c.type == 'image' %}<image>{% else %}{{ c.text }}{% endif %}{% endfor %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}answer.{% endif %}";

const token = (id: number, content: string, flags: object = {}) => ({ id, content, special: true, ...flags });
const TOKENS = [token(2, "</s>"), token(IMAGE, "<image>"), token(FAKE, "<fake>"), token(503, "<tag>")];
/** Bytes instead of spaces marked "▁"; two newlines are one token. */
const BYTE_LEVEL = (() => {
  const { vocab, merges } = tinyTokenizer().model;
  return {
    added_tokens: TOKENS,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: null,
    model: { vocab: { ...vocab, ĊĊ: 350 }, merges: [...merges, "Ċ Ċ"] },
  };
})();

function chat(changes: Json = BYTE_LEVEL, options: TokenizerOptions = { imageTokenId: IMAGE }, template = TEMPLATE) {
  const files = {
    "tokenizer.json": tinyTokenizer(changes),
    "tokenizer_config.json": { chat_template: template, eos_token: "</s>" },
  };
  const tokenizer = Tokenizer.parse(files, options);
  const parsed = ChatTemplate.parse(files, tokenizer);
  const render = (content: ChatMessage["content"], addGenerationPrompt = true) =>
    renderPrompt(tokenizer, parsed, [{ role: "user", content }], { addGenerationPrompt });
  const build = (content: ChatMessage["content"], ...pictures: PictureRun[][]) =>
    buildPrompt(tokenizer, render(content), pictures);
  /** Tokens of the prompt; a newline is Ċ, a space Ġ. */
  const tokens = (content: ChatMessage["content"], ...pictures: PictureRun[][]) =>
    Array.from(build(content, ...pictures).ids, (id) => tokenizer.token(id));
  return { tokenizer, render, build, tokens };
}

describe("runs of a picture", () => {
  it("stand in the place of its placeholder, rows with the image token's id", () => {
    const { tokens, build } = chat();
    const runs = [{ text: "<fake>" }, rows(3), { text: "<fake>" }];
    expect(tokens([say("a"), picture, say("b")], runs).join("")).toContain("a<fake><image><image><image><fake>b");
    const { ids, pictures, text } = build([say("a"), picture, say("b")], runs);
    const start = ids.indexOf(IMAGE);
    expect(pictures).toEqual([[{ start, count: 3 }]]);
    expect(text).toBe("user.a<image>b\nanswer.");
  });

  it("of several pictures and views come in order", () => {
    const { build } = chat();
    const { ids, pictures } = build(
      [picture, say("the"), picture],
      [rows(2, 0), { text: "." }, rows(3, 1)],
      [rows(1, 0), rows(4, 1)],
    );
    expect(pictures.map((runs) => runs.map(({ count }) => count))).toEqual([
      [2, 3],
      [1, 4],
    ]);
    for (const { start, count } of pictures.flat())
      expect(Array.from(ids.slice(start, start + count))).toEqual(Array(count).fill(IMAGE));
    expect(pictures[1]![1]!.start).toBe(pictures[1]![0]!.start + 1);
    expect(ids.filter((id) => id === IMAGE).length).toBe(10);
  });

  it("merge with each other and with the text around them", () => {
    const { tokens } = chat();
    // "\n" ends the last row of tiles and "\n" precedes the overview.
    expect(tokens([picture], [rows(1), { text: "\n" }, { text: "\n<fake>" }, rows(1, 1)])).toContain("ĊĊ");
    expect(tokens([picture, say("he")], [rows(1), { text: "t" }])).toContain("the");
    expect(tokens([say("l"), picture], [{ text: "ow" }, rows(1)])).toContain("low");
    expect(tokens([say("l"), picture], [{ text: "<fake>ow" }, rows(1)])).not.toContain("low");
  });

  it("may be text that is no token", () => {
    const { tokens } = chat();
    expect(tokens([picture], [{ text: "<row_1>" }, rows(1)]).join("")).toContain("user.<row");
  });

  it("of a million rows are no longer than a text may be", () => {
    const { build } = chat();
    const { ids, pictures } = build([picture, say("the")], Array(20).fill(rows(50_000)));
    expect(ids.length).toBeGreaterThan(1_000_000);
    expect(pictures[0]!.length).toBe(20);
  });
});

describe("rows by repeating one id", () => {
  const LLAMA = {
    added_tokens: TOKENS,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
  };
  const metaspace = (prepend_scheme: string) => ({
    added_tokens: TOKENS,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme, split: false },
  });
  const stripping = (flags: object) => ({
    ...BYTE_LEVEL,
    added_tokens: TOKENS.map((entry) => ({ ...entry, ...(entry.id === IMAGE ? flags : {}) })),
  });
  it.each<[string, Json, TokenizerOptions?]>([
    ["bytes", BYTE_LEVEL],
    ["a normalizer that puts a space before each text", LLAMA],
    ["a space before the first text", metaspace("first")],
    ["a space before each text", metaspace("always")],
    ["a token that swallows spaces before it", stripping({ lstrip: true })],
    ["a token that swallows spaces after it", stripping({ rstrip: true })],
    ["a token that swallows spaces on both sides", stripping({ lstrip: true, rstrip: true })],
    ["a token in normalized text", stripping({ normalized: true, special: false })],
    ["a token that the tokenizer lacks", { ...BYTE_LEVEL, added_tokens: [TOKENS[0]] }],
    ["tokens around every text", { ...BYTE_LEVEL, post_processor: IDS_AROUND }],
  ])("gives the ids of the repeated token: %s", (_, changes, options) => {
    const { tokenizer, build } = chat(changes, options);
    for (const around of [
      ["", ""],
      ["the ", " lower"],
      ["a\n", "\nb"],
      ["</s>", "</s>"],
    ] as const)
      for (const counts of [[1], [7], [2, 3], [1, 1, 64]]) {
        const runs = counts.flatMap((count) => [{ text: around[0] }, rows(count), { text: around[1] }]);
        const written = counts.map((count) => around[0] + "<image>".repeat(count) + around[1]).join("");
        const text = `user.x ${written} y\nanswer.`;
        expect(Array.from(build([say("x "), picture, say(" y")], runs).ids)).toEqual(tokenizer.encodePrompt([text]));
      }
  });
});

describe("a placeholder that is not the image token", () => {
  const template = TEMPLATE.replace("<image>", "<here>");
  const options = { imageTokenId: IMAGE, templatePlaceholder: "<here>" };

  it("is replaced as text before anything becomes a token", () => {
    const { tokens, build } = chat(BYTE_LEVEL, options, template);
    const runs = [{ text: "<fake>" }, rows(2)];
    expect(tokens([picture, say("a")], runs).join("")).toContain("<fake><image><image>a");
    expect(build([picture, say("a")], runs).text).toBe("user.<here>a\nanswer.");
    // A picture's own text may hold the placeholder.
    expect(tokens([picture], [{ text: "<here>" }, rows(1)]).join("")).toContain("user.<here><image>");
  });

  it("stays text where a user writes it, whole or in parts", () => {
    const { render, tokens } = chat(BYTE_LEVEL, options, template);
    for (const parts of [["<here>"], ["<he", "re>"], ["<<here>here>"], ["<image>"]]) {
      const content = [...parts.map(say), picture];
      expect(render(content)).toMatchObject({ pictureCount: 1, text: `user.${parts.join("")}<here>\nanswer.` });
      const [before, after] = tokens(content, [{ text: "<fake>" }, rows(1)])
        .join("")
        .split("<fake>");
      expect(before).toBe(`user.${parts.join("")}`);
      expect(after).toBe("<image>Ċanswer.");
    }
  });

  it("stands for pictures in a template that takes strings", () => {
    const strings = "{{ messages[0]['content'] }}";
    const { render } = chat(BYTE_LEVEL, options, strings);
    expect(render([picture, say("a")]).text).toBe("<here>\na");
  });
});

describe("what users write", () => {
  it.each(["<image>", "<fake>", "<tag>", "<fake><tag><image>", "<<image>image>"])("%j stays text", (text) => {
    const { tokenizer, build } = chat();
    const { ids } = build([say(text), picture, say(text)], [{ text: "<fake><tag>" }, rows(1), { text: "<fake>" }]);
    expect(Array.from(ids).filter((id) => id >= IMAGE)).toEqual([FAKE, 503, IMAGE, FAKE]);
    const written = Array.from(ids, (id) => tokenizer.token(id)).join("");
    expect(written).toBe(`user.${text}<fake><tag><image><fake>${text}Ċanswer.`);
  });

  it("does not join with a picture's tags into a token", () => {
    const { build } = chat();
    const { ids } = build([say("<im"), picture, say("ge>")], [{ text: "<fa" }, rows(1), { text: "<ima" }]);
    expect(Array.from(ids).filter((id) => id >= IMAGE)).toEqual([IMAGE]);
  });
});

describe("runs that do harm", () => {
  it("are refused with too much text", () => {
    const { build } = chat();
    const parse = () => build([picture], [{ text: "x".repeat(1025) }, rows(1)]);
    expect(parse).toThrow(
      expect.objectContaining({ code: "unsupported-model", message: expect.stringMatching(/1025 characters/) }),
    );
    const many = Array(300).fill({ text: "y".repeat(1000) });
    expect(() => build([picture], many)).toThrow(/a text of 3000\d\d characters/);
  });

  it("are refused where their text makes or hides a row", () => {
    const { build } = chat();
    expect(() => build([picture], [{ text: "<image>" }, rows(1)])).toThrow(/2 places for 1 runs/);
    const hiding = { ...BYTE_LEVEL, added_tokens: [...TOKENS, token(504, "<<image>")] };
    expect(() => chat(hiding).build([picture], [{ text: "<" }, rows(1)])).toThrow(/0 places for 1 runs/);
  });

  it("keep marks of their own", () => {
    const { tokenizer, build } = chat({ added_tokens: TOKENS });
    const { ids } = build([picture], [{ text: "a\uFDD0\uFDD1b" }, rows(1)]);
    expect(tokenizer.decode(ids)).toContain("a\uFDD0\uFDD1b");
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 22, 1e12])("are refused with %d rows", (count) => {
    expect(() => chat().build([picture], [rows(count)])).toThrow(RangeError);
  });

  it("must be those of all pictures", () => {
    const { build } = chat();
    expect(() => build([picture, picture], [rows(1)])).toThrow(/runs of 1 pictures for a prompt with 2/);
    expect(() => build([say("a")], [rows(1)])).toThrow(TypeError);
  });
});

it("a prompt may end without the beginning of an answer", () => {
  const { render } = chat();
  expect(render("the", false).text).toBe("user.the\n");
  expect(render("the").text).toBe("user.the\nanswer.");
  const { tokenizer } = chat();
  const fallback = { system: "s", user: "u:", answer: "a:" };
  const template = ChatTemplate.parse({ "tokenizer.json": {} }, tokenizer, { fallback });
  const text = (addGenerationPrompt: boolean) =>
    renderPrompt(tokenizer, template, [{ role: "user", content: "hi" }], { addGenerationPrompt }).text;
  expect([text(false), text(true)]).toEqual(["s u:hi ", "s u:hi a:"]);
});
