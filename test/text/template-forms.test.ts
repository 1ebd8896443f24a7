/** Content as one string or as parts: which form a template gets, role by role. */
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import type { ChatMessage } from "../../src/text/messages.ts";
import { renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { describeShared, needing, sharedBytes } from "../support/shared.ts";
import { tinyTokenizer } from "./tiny.ts";

const picture = { type: "image" } as const;
const say = (text: string) => ({ type: "text", text }) as const;
const message = (role: ChatMessage["role"], content: ChatMessage["content"]): ChatMessage => ({ role, content });

function chat(template: string, images = true) {
  const files = {
    "tokenizer.json": tinyTokenizer(),
    "tokenizer_config.json": { eos_token: "</s>", chat_template: template },
  };
  const tokenizer = Tokenizer.parse(files, images ? { imageTokenId: 500 } : {});
  const parsed = ChatTemplate.parse(files, tokenizer);
  return (...messages: ChatMessage[]) => renderPrompt(tokenizer, parsed, messages).text;
}

/** Role by role: writes a string as it is, and a list of parts with each text in brackets. */
const PART = "{% if c.type == 'image' %}<image>{% else %}({{ c.text }}){% endif %}";
const BOTH = `{% for m in messages %}{{ m.role[0] }}:{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}${PART}{% endfor %}{% endif %}{% endfor %}`;

describe("a template that takes both forms", () => {
  it("gets the caller's", () => {
    const text = chat(BOTH);
    expect(text(message("user", "a"))).toBe("u:a");
    expect(text(message("user", [say("a"), say("b")]))).toBe("u:(a)(b)");
    expect(text(message("system", "x"), message("user", [picture, say("a")]), message("assistant", "y"))).toBe(
      "s:xu:<image>(a)a:y",
    );
  });
});

describe("a template that takes one form", () => {
  it("gets strings where it takes strings", () => {
    const text = chat("{% for m in messages %}[{{ m.content }}]{% endfor %}");
    expect(text(message("system", [say("a"), say("b")]), message("user", [picture, say("c")]))).toBe(
      "[ab][<image>\nc]",
    );
  });

  it("gets parts where it takes parts", () => {
    const text = chat(`{% for m in messages %}{% for c in m.content %}${PART}{% endfor %}{% endfor %}`);
    expect(text(message("system", "a"), message("user", "b"))).toBe("(a)(b)");
  });

  it("gets each role's own: strings for system and assistant, parts for users", () => {
    const text = chat(
      `{% for m in messages %}{% if m.role == 'user' %}{% for c in m.content %}${PART}{% endfor %}{% else %}{{ '<' + m.content + '>' }}{% endif %}{% endfor %}`,
    );
    const conversation = [
      message("system", [say("a")]),
      message("user", [picture, say("b")]),
      message("assistant", [say("c")]),
      message("user", "d"),
    ];
    expect(text(...conversation)).toBe("<a><image>(b)<c>(d)");
  });

  it("gets each role's own: parts for system and assistant, strings for users", () => {
    const text = chat(
      "{% for m in messages %}{{ m.content if m.role == 'user' else '<' + m.content[0]['text'] + '>' }}{% endfor %}",
      false,
    );
    expect(text(message("system", "a"), message("user", [say("b")]), message("assistant", "c"))).toBe("<a>b<c>");
  });
});

it("a template that writes parts but no picture gets strings, with the picture in them", () => {
  const text = chat(BOTH.replace("<image>", ""));
  expect(text(message("user", [picture, say("a")]))).toBe("u:<image>\na");
});

it("a role that the template refuses is refused in its own words", () => {
  const text = chat(`{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}${BOTH}`);
  expect(text(message("user", "a"))).toBe("u:a");
  expect(() => text(message("system", "x"), message("user", "a"))).toThrow(/refuses them, "no system role"/);
});

describe("a system message that the template joins to text", () => {
  const REST = `{% set rest = messages %}{% if messages[0].role == 'system' %}{% set sys = messages[0].content %}{% set rest = messages[1:] %}{% endif %}`;
  const conversation = [
    message("system", [say("Be brief.")]),
    message("user", [picture, say("What?")]),
    message("assistant", [say("A cat.")]),
  ];

  it("is a string, although questions are parts", () => {
    const text = chat(
      `${REST}{% for m in rest %}{% if m.role == 'user' %}{{ '[' + (sys + '|' if sys is defined and loop.first else '') }}{% for c in m.content %}${PART}{% endfor %}]{% else %}{{ m.content + '$' }}{% endif %}{% endfor %}`,
    );
    expect(text(...conversation)).toBe("[Be brief.|<image>(What?)]A cat.$");
  });

  it.each(["sys ~ '|'", "(sys | trim) + '|'", "[sys] | join + '|'"])("is a string for %s", (joined) => {
    const text = chat(
      `${REST}{% for m in rest %}{{ ${joined} if sys is defined }}{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}${PART}{% endfor %}{% endif %}{% endfor %}`,
    );
    expect(text(...conversation.slice(0, 2))).toBe("Be brief.|<image>(What?)");
  });

  it("makes a string of the first question too, where the template adds them", () => {
    const text = chat(
      `${REST}{% for m in rest %}{% if loop.first and sys is defined %}{{ sys + '|' + m.content }}{% elif m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}${PART}{% endfor %}{% endif %}{% endfor %}`,
    );
    expect(text(...conversation.slice(0, 2))).toBe("Be brief.|<image>\nWhat?");
  });
});

describe("nothing is wrong with a template that", () => {
  it.each([
    ["puts content in quotes", `{% for m in messages %}{{ m.role }}: "{{ m.content }}"\n{% endfor %}`, 'user: "Hi"\n'],
    ["writes content as JSON", "{% for m in messages %}{{ m.content | tojson }}{% endfor %}", '"Hi"'],
    ["writes capitals", "{% for m in messages %}{{ m.content | upper }}{% endfor %}", "HI"],
  ])("%s", (_, template, expected) => {
    expect(chat(template, false)(message("user", [say("Hi")]))).toBe(expected);
  });

  it("needs a system message", () => {
    const refusal = "{% if messages[0].role != 'system' %}{{ raise_exception('say who I am') }}{% endif %}";
    const text = chat(refusal + BOTH);
    expect(text(message("system", "s"), message("user", [picture, say("Hi")]))).toBe("s:su:<image>(Hi)");
    expect(() => text(message("user", "Hi"))).toThrow(/refuses them, "say who I am"/);
  });
});

describeShared(needing("faults", "templates that were reported"), () => {
  const template = async (name: string) => new TextDecoder().decode(await sharedBytes(`faults/template-${name}.jinja`));
  const conversation = [
    message("system", [say("Be brief.")]),
    message("user", [picture, say("What?")]),
    message("assistant", [say("A cat.")]),
    message("user", [say("Sure?")]),
  ];

  // jinja2's texts for a system message and answers as strings, questions as parts.
  it("a system message as string, questions as parts", async () => {
    const text = chat(await template("system-as-string-user-as-parts"));
    expect(text(...conversation)).toBe(
      "[INST]Be brief.\n\n<image>What?[/INST]A cat.</s>[INST]Be brief.\n\nSure?[/INST]",
    );
  });

  it("content in quotes", async () => {
    const text = chat(await template("content-in-quotes"), false);
    expect(text(message("user", [say("Hi")]))).toBe('user: "Hi"\n');
  });

  it("a break after output", async () => {
    const text = chat(await template("break-after-output"), false);
    expect(text(message("user", "a"), message("assistant", "b"))).toBe("[user]a[assistant]b");
  });
});
