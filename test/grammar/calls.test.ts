/** Random answers of the grammar of each convention: calls that its reader finds and that the tools' schemas accept. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import { callSource } from "../../src/grammar/format-source.ts";
import type { Matcher } from "../../src/grammar/matcher.ts";
import type { Tool } from "../../src/shared/tools.ts";
import { makeMatcher, walk } from "../support/grammar-walk.ts";
import { Random } from "../support/random.ts";
import { CONVENTIONS, TOOLS } from "../text/tool-call-cases.ts";

/** Names that programs trip over, and strings under rules. Others are not forbidden: ajv would count "__proto__" to them. */
const ODD = {
  type: "function",
  function: {
    name: "odd",
    parameters: JSON.parse(`{
      "type": "object",
      "properties": {
        "__proto__": { "type": "integer", "minimum": 0, "maximum": 9 },
        "constructor": { "enum": ["a", 5, null] },
        "größe": { "type": "string", "maxLength": 3 },
        "code": { "type": "string", "pattern": "^[A-C]{2}-[0-9]$" },
        "day": { "type": "string", "format": "date" }
      },
      "required": ["__proto__", "constructor", "größe", "code", "day"]
    }`) as object,
  },
} satisfies Tool;

let matcher: Matcher;
beforeAll(async () => {
  matcher = await makeMatcher();
});

function expectValid(name: string, args: string, tools: readonly Tool[], answer: string): void {
  const tool = tools.find((one) => one.function.name === name);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schema = tool?.function.parameters ?? { type: "object", maxProperties: 0 };
  expect(ajv.validate(schema, JSON.parse(args)), `${answer}: ${ajv.errorsText()}`).toBe(true);
}

describe.each(Object.entries(CONVENTIONS))("%s", (_, convention) => {
  test.each([
    ["one call", TOOLS, false],
    ["several calls", TOOLS, true],
    ["a named tool", TOOLS.slice(0, 1), false],
  ])("%s", async (_, tools, isParallel) => {
    const random = new Random(tools.length + (isParallel ? 7 : 0));
    let ended = 0;
    for (let i = 0; i < 5; i++) {
      const answer = await walk(matcher, callSource(convention.form(tools, isParallel)), random, '"]}\n<');
      if (answer === undefined) continue;
      ended++;
      const { calls, used, state } = convention.read(answer, tools);
      // Calls of their own marks come one by one.
      expect([state, calls.length > 0], answer).toEqual([convention.isAtStart ? "open" : "closed", true]);
      if (!isParallel) expect([calls.length, used], answer).toEqual([1, answer.length]);
      for (const call of calls) expectValid(call.name, call.arguments, tools, answer);
    }
    expect(ended).toBeGreaterThan(0);
  });

  test.each(["__proto__", "toString", "a.b-c_9", "-", "7", "n".repeat(64)])("a tool called %s", async (name) => {
    const tools = [{ ...ODD, function: { ...ODD.function, name } }];
    const random = new Random(3);
    let answer: string | undefined;
    for (let i = 0; i < 3 && answer === undefined; i++)
      answer = await walk(matcher, callSource(convention.form(tools, false)), random, '"]}\n<');
    expect(answer).toBeDefined();
    const { calls } = convention.read(answer!, tools);
    expect(calls.map((call) => call.name)).toEqual([name]);
    expectValid(name, calls[0]!.arguments, tools, answer!);
  });

  test("a name of a property that its calls cannot hold is refused; in JSON all names can stand", async () => {
    for (const name of ["a b", "a=b", "a>b", 'a"b']) {
      const parameters = {
        type: "object",
        properties: { [name]: { type: "integer", minimum: 1, maximum: 9 } },
        required: [name],
      };
      const tools: Tool[] = [{ type: "function", function: { name: "find", parameters } }];
      const source = callSource(convention.form(tools, false));
      const answer = await walk(matcher, source, new Random(1), '"]}\n<').catch((error: Error) => error);
      if (answer instanceof Error) {
        expect(answer.message).toMatch(/^this model's calls cannot write the name ".*" of a property; rename it$/);
        continue;
      }
      const { calls } = convention.read(answer!, tools);
      expect(Object.keys(JSON.parse(calls[0]!.arguments))).toEqual([name]);
    }
  });

  test("what it writes, it reads", () => {
    const calls = [
      { what: 'a "b" €', most: 2, near: true, tags: ["x"], kind: "old" },
      { what: "line\nline", near: false },
    ].map((args) => ({ type: "function", function: { name: "find", arguments: args } }) as const);
    for (const call of calls) {
      const read = convention.read(convention.write([call]), TOOLS);
      expect(read.calls.map((one) => JSON.parse(one.arguments))).toEqual([call.function.arguments]);
    }
  });
});

test.each<[object, RegExp]>([
  [{ type: "object", properties: { a: { not: {} } }, required: ["a"] }, /"not"/],
  [{ type: "object", properties: { a: false }, required: ["a"] }, /nothing can satisfy/],
])("a schema that cannot be followed: %j", async (parameters, message) => {
  const tools: Tool[] = [{ type: "function", function: { name: "find", parameters } }];
  for (const convention of Object.values(CONVENTIONS))
    await expect(matcher.begin(callSource(convention.form(tools, false)))).rejects.toThrow(message);
});
