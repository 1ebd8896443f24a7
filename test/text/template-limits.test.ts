/**
 * Chat templates that cost more than they may: each is refused within two seconds, or turns out to be harmless. The test
 * allows twice that, of the processor's time.
 */
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import { JinjaTemplate } from "../../src/text/jinja.ts";
import { renderPrompt } from "../../src/text/prompt.ts";
import { TemplateBudget } from "../../src/text/template-budget.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { within } from "../support/processor-time.ts";
import { tinyTokenizer } from "./tiny.ts";

const MOST_MS = 4000;

const timed = <T>(run: () => T): T => within(MOST_MS, run);

const render = (source: string) => new JinjaTemplate(source, "chat_template").render({ messages: [] }, new Date(0));

function refusal(source: string): string {
  return timed(() => {
    try {
      render(source);
    } catch (error) {
      expect(error).toBeInstanceOf(FoveaError);
      expect((error as FoveaError).code).toBe("unsupported-model");
      expect((error as Error).message.length).toBeLessThan(500);
      return (error as Error).message;
    }
    return "";
  });
}

const double = (times: number, by: string) =>
  `{% set ns = namespace(a='x', l=['x'], s='a') %}{% for i in range(${times}) %}{% set ns.a = ${by} %}{% endfor %}`;
/** A list of 2^n leaves, in n lists. */
const shared = (n: number) =>
  `{% set ns = namespace(a=['x']) %}{% for i in range(${n}) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}`;
/** A text of a million characters. */
const LONG = `{% set ns = namespace(s='aaaaaaaaaaaaaaab') %}{% for i in range(16) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`;
const MANY = "{% set many = range(100000) | list %}";
const DEEP = "{% set ns = namespace(a='x') %}{% for i in range(3000) %}{% set ns.a = [ns.a] %}{% endfor %}";

describe("a template that would run for ever is refused", () => {
  it.each<[string, string]>([
    ["ranges in a loop", "{% for i in range(60000) %}{% set x = range(100000)|length %}{% endfor %}"],
    ["loops in loops", "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"],
    ["loops with filters", `${LONG}{% for i in range(100000) %}{{ ns.s | upper | lower | trim | length }}{% endfor %}`],
    ["a macro that calls itself", "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}"],
    [
      "macros that call each other",
      "{% macro a(n) %}{{ b(n) }}{{ b(n) }}{% endmacro %}{% macro b(n) %}{{ a(n) }}{% endmacro %}{{ a(1) }}",
    ],
    [
      "a tree of macros",
      "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    ],
    [
      "macros defined in a loop",
      `{% for i in range(100000) %}{% macro m() %}${"{{ i }}".repeat(20000)}{% endmacro %}{% endfor %}`,
    ],
    ["a text that doubles", `${double(60, "ns.a ~ ns.a")}{{ ns.a }}`],
    ["a text that doubles by +", `${double(60, "ns.a + ns.a")}{{ ns.a }}`],
    ["a text that grows by *", `${double(60, "ns.a * 1000")}{{ ns.a }}`],
    ["a text that doubles by join", `${double(60, "[ns.a, ns.a] | join")}{{ ns.a }}`],
    ["a text that grows by replace", `${double(60, "ns.a | replace('x', 'xxxxxxxxxxxxxxxx')")}{{ ns.a }}`],
    ["a text that grows by replacing nothing", `${LONG}{{ ns.s | replace('', ns.s) }}`],
    ["a list that doubles", `${double(60, "ns.l").replace("ns.a = ns.l", "ns.l = ns.l + ns.l")}{{ ns.l | length }}`],
    ["a wide indent", `{{ ('a\n' * 100000) | indent(' ' * 1000000) }}`],
    ["tojson with a wide indent", `${shared(10)}{{ ns.a | tojson(indent='x' * 1000000) }}`],
    ["tojson with long separators", `${shared(12)}{{ ns.a | tojson(separators=['x' * 1000000, ':']) }}`],
    ["join with a long separator", `${MANY}{{ many | join('x' * 1000000) }}`],
    ["join of a long text", `${LONG}{{ ([ns.s] * 1)[0].join(range(100000) | map('string') | list) }}`],
    ["many dates", "{{ strftime_now('%c' * 1000000) }}"],
    ["slices", `${LONG}{% for i in range(100000) %}{% set x = ns.s[1:] %}{% endfor %}`],
    ["slices of lists", `${MANY}{% for i in many %}{% set x = many[1:] %}{% endfor %}`],
    ["characters of a text", `${LONG}{% for i in range(100000) %}{% set x = ns.s[0] %}{% endfor %}`],
    ["a walk over texts", `${LONG}{% for i in range(100000) %}{% for c in ns.s %}{% break %}{% endfor %}{% endfor %}`],
    ["in of a long list", `${MANY}{% for i in many %}{% set x = -1 in many %}{% endfor %}`],
    ["in of a long text", `${LONG}{% for i in range(100000) %}{% set x = 'ab' * 500000 in ns.s %}{% endfor %}`],
    ["a pattern that nearly fits", `{{ ('a' * 400000 ~ 'b') in 'a' * 2000000 }}`],
    ["find of one", `{{ ('a' * 2000000).find('a' * 400000 ~ 'b') }}`],
    ["split at one", `{{ ('a' * 2000000).split('a' * 400000 ~ 'b') | length }}`],
    [
      "sort of long texts",
      `${LONG}{{ (range(100000) | map('string') | list + [ns.s, ns.s ~ 'a']) | sort | length }}{% for i in range(100000) %}{% set x = [ns.s ~ 'b', ns.s ~ 'a', ns.s] | sort %}{% endfor %}`,
    ],
    [
      "sort by a long path",
      `${MANY}{{ [{'a': 1}, {'a': 2}] | sort(attribute='a.' * 1000000) | length }}{{ many | map(attribute='a.' * 100000) | list | length }}`,
    ],
    ["unique", `${MANY}{{ many | unique | list | length }}`],
    [
      "dictsort",
      `{% set d = namespace(a=1) %}{% for i in range(100000) %}{% set x = {'b': 1, 'a': 'x' * 100000} | dictsort %}{% endfor %}`,
    ],
    [
      "map of a filter over long texts",
      `${LONG}{% for i in range(100000) %}{% set x = [ns.s, ns.s] | map('upper') | list %}{% endfor %}`,
    ],
    ["select", `${MANY}{% for i in many %}{% set x = many | select('eq', i) | list %}{% endfor %}`],
    ["a deep comparison", `${shared(40)}{{ ns.a == [ns.a, ns.a][0] }}{{ [ns.a] == [[ns.a[0], ns.a[1]]] }}`],
    [
      "a negative repetition that pays back",
      `{% for i in range(100000) %}{% set x = 'x' * -1000000000 %}{% for j in range(1000) %}{% endfor %}{% endfor %}`,
    ],
    [
      "a repetition that is no number",
      `{% for i in range(100000) %}{% set x = 'x' * (10 ** 400 - 10 ** 400) %}{% endfor %}{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}`,
    ],
    ["int of many digits", `{% for i in range(1000) %}{{ ('1' * 2000000 ~ 'x') | int }}{% endfor %}`],
    ["printing in a loop", `${MANY}{% for i in many %}{{ many }}{% endfor %}`],
    [
      "texts in a deep list",
      `${LONG}{% for i in range(3000) %}{% set ns.s = [ns.s] %}{% endfor %}{% for i in range(1000) %}{{ ns.s | string | length }}{% endfor %}`,
    ],
  ])("%s", (_, source) => {
    expect(refusal(source)).toMatch(/^chat_template: the template fails \(/);
  });

  it.each([
    ["tojson", "{{ ns.a | tojson }}"],
    ["string", "{{ ns.a | string }}"],
    ["printing", "{{ ns.a }}"],
    ["~", "{{ ns.a ~ '' }}"],
    ["join", "{{ ns.a | join }}"],
    ["==", "{{ ns.a == [ns.a[0], ns.a[1]] and 0 }}"],
    ["in", "{{ [1] in ns.a }}{{ ns.a | tojson }}"],
    ["raise_exception", "{{ raise_exception(ns.a) }}"],
    ["range", "{{ range(ns.a) }}"],
    ["strftime_now", "{{ strftime_now(ns.a) }}"],
    ["an error's message", "{{ ns.a.b.c }}"],
    ["sort", "{{ [ns.a, ns.a] | sort }}"],
    ["unique", "{{ [[ns.a], [ns.a], ns.a] | unique | list | tojson }}"],
  ])("lists of 2^26 and 2^40 leaves: %s", (_, use) => {
    for (const times of [26, 40]) expect(refusal(shared(times) + use)).toMatch(/^chat_template: the template fails \(/);
  });

  it.each([
    ["a name space in itself", "{% set ns = namespace(a=1) %}{% set ns.a = ns %}{{ ns | tojson }}"],
    ["a deep list", `${DEEP}{{ ns.a | tojson }}{{ ns.a }}{{ ns.a == ns.a }}`],
  ])("%s", (_, source) => {
    refusal(source);
  });
});

describe("a source that is hard to read is refused or read in time", () => {
  it.each<[string, string]>([
    ["brackets", `{{ ${"(".repeat(100_000)} }}`],
    ["lists", `{{ ${"[".repeat(100_000)} }}`],
    ["not not not", `{{ ${"not ".repeat(60_000)}1 }}`],
    ["a long sum", `{{ ${"1+".repeat(100_000)}1 }}`],
    ["filters", `{{ 1${"|string".repeat(30_000)} }}`],
    ["ifs", "{% if 1 %}".repeat(25_000)],
    ["spaces", `{{ 1${" ".repeat(999)}${"\n".repeat(900)} }}`.repeat(130)],
    ["open expressions", "{{".repeat(130_000)],
    ["open comments", "{#".repeat(130_000)],
    ["open strings", `{{ ${"'".repeat(200_001)} }}`],
    ["braces", "{".repeat(260_000)],
    ["a long name", `{{ ${"a".repeat(260_000)} }}`],
    ["many dots", `{{ a${".b".repeat(100_000)} }}`],
    ["backslashes", `{{ '${"\\\\".repeat(100_000)}' }}`],
    ["line ends", "\r\n \t".repeat(60_000)],
    ["minus signs", "{%-".repeat(80_000)],
  ])("%s", (_, source) => {
    refusal(source.slice(0, 256 * 1024));
  });
});

describe("loading and asking", () => {
  const open = (template: string) => {
    const files = { "tokenizer.json": tinyTokenizer(), "tokenizer_config.json": { chat_template: template } };
    const tokenizer = Tokenizer.parse(files);
    return { tokenizer, template: ChatTemplate.parse(files, tokenizer) };
  };

  it("all renderings of a load share one budget", () => {
    const slow = `{% for i in range(40000) %}{% endfor %}{% for m in messages %}{{ m.content }}{% endfor %}`;
    expect(render(slow)).toBe("");
    expect(() => timed(() => open(slow))).toThrow(
      /tokenizer_config.json: chat_template: the template takes too long to write a few short messages/,
    );
  });

  it("a template that hangs at the second question is refused there, and answers the first one again", () => {
    const { tokenizer, template } = open(
      `{% for m in messages %}{{ m.content }}{% endfor %}{% if messages|length > 3 %}{% for i in range(60000) %}{% for j in range(60000) %}{% endfor %}{% endfor %}{% endif %}`,
    );
    const ask = (count: number) => {
      const messages = Array.from({ length: count }, (_, i) => ({
        role: i % 2 === 0 ? ("user" as const) : ("assistant" as const),
        content: "a",
      }));
      return timed(() => renderPrompt(tokenizer, template, messages).text);
    };
    expect(ask(1)).toBe("a");
    expect(() => ask(5)).toThrow(/the template fails \(it takes more than/);
    expect(ask(3)).toBe("aaa");
  });

  it("a long conversation is well within the limits", () => {
    const { tokenizer, template } = open(
      `{% set ns = namespace(out='') %}{% for m in messages %}{% if m.role == 'user' and m.content | trim | length > 0 and '</think>' not in m.content %}{% set ns.out = ns.out ~ '<|' ~ m.role ~ '|>' ~ m.content | trim ~ '\\n' %}{% else %}{% set ns.out = ns.out ~ m.content.split('</think>')[-1] | tojson %}{% endif %}{% if loop.index0 == messages | length - 1 %}{{ ns.out }}{% endif %}{% endfor %}`,
    );
    const messages = Array.from({ length: 400 }, (_, i) => ({
      role: i % 2 === 0 ? ("user" as const) : ("assistant" as const),
      content: "word ".repeat(100),
    }));
    expect(renderPrompt(tokenizer, template, messages).text.length).toBeGreaterThan(190_000);
  });
});

it("a budget does not count the sleep of a computer, and cannot be refilled", () => {
  const budget = new TemplateBudget();
  budget.charge(Number.NEGATIVE_INFINITY);
  expect(() => budget.charge(1_000_001)).toThrow(/more than 1000000 steps/);
  expect(() => new TemplateBudget().charge(Number.NaN)).toThrow(/steps/);
});
