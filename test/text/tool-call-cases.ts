/** Answers with calls, in each convention, and what they hold. */
import type { Tool } from "../../src/shared/tools.ts";
import { escapedCalls } from "../../src/text/tool-calls/escaped-calls.ts";
import { bare, bracketed, enclosed, listed, tagged } from "../../src/text/tool-calls/json-conventions.ts";
import { namedJson } from "../../src/text/tool-calls/named-json.ts";
import { pythonCalls } from "../../src/text/tool-calls/python-calls.ts";
import { xmlCalls } from "../../src/text/tool-calls/xml-calls.ts";

export const TOOLS: readonly Tool[] = [
  {
    type: "function",
    function: {
      name: "find",
      description: "Finds a thing",
      parameters: {
        type: "object",
        properties: {
          what: { type: "string" },
          most: { type: "integer", minimum: 0 },
          near: { type: "boolean" },
          tags: { type: "array", items: { $ref: "#/$defs/tag" }, maxItems: 3 },
          kind: { enum: ["new", "old"], type: "string" },
        },
        required: ["what"],
        additionalProperties: false,
        $defs: { tag: { type: "string", maxLength: 8 } },
      },
    },
  },
  { type: "function", function: { name: "list_all" } },
];

export interface Case {
  answer: string;
  text?: string;
  calls?: [name: string, args: unknown][];
  problems?: number;
}

export const CONVENTIONS = {
  tagged,
  bare,
  bracketed,
  listed,
  enclosed,
  named: namedJson,
  python: pythonCalls,
  xml: xmlCalls,
  escaped: escapedCalls,
};

const TEA: [string, unknown] = ["find", { what: "tea 🍵", most: 3 }];
const ALL: [string, unknown] = ["list_all", {}];
const PLAIN: Record<string, Case> = {
  "plain text": { answer: " No tool is needed.\n", text: " No tool is needed.\n" },
  nothing: { answer: "" },
};

export const CASES: Record<keyof typeof CONVENTIONS, Record<string, Case>> = {
  tagged: {
    ...PLAIN,
    "a call": {
      answer: '<tool_call>\n{"name": "find", "arguments": {"what": "tea 🍵", "most": 3}}\n</tool_call>',
      calls: [TEA],
    },
    "text, then two calls": {
      answer:
        'I look.\n\n<tool_call>\n{"arguments": {"what": "tea 🍵", "most": 3}, "name": "find"}\n</tool_call>\n<tool_call>\n{"name": "list_all"}\n</tool_call>\n',
      text: "I look.",
      calls: [TEA, ALL],
    },
    "arguments in a string": {
      answer: '<tool_call>{"name":"find","arguments":"{\\"what\\": \\"a \\\\\\"b\\\\\\"\\"}"}</tool_call>',
      calls: [["find", { what: 'a "b"' }]],
    },
    "a quoted end": {
      answer: '<tool_call>\n{"name": "find", "arguments": {"what": "</tool_call> {"}}\n</tool_call>',
      calls: [["find", { what: "</tool_call> {" }]],
    },
    "text after a call": {
      answer: '<tool_call>\n{"name": "list_all", "arguments": {}}\n</tool_call>\nDone.',
      text: "\nDone.",
      calls: [ALL],
    },
    "a name that is none": {
      answer: '<tool_call>\n{"name": "fly", "arguments": {}}\n</tool_call> ok',
      text: '<tool_call>\n{"name": "fly", "arguments": {}}\n</tool_call> ok',
      problems: 1,
    },
    "no JSON": {
      answer: 'So: <tool_call>\n{"name": "find", "arguments": {\'what\': 1}}\n</tool_call>',
      text: 'So: <tool_call>\n{"name": "find", "arguments": {\'what\': 1}}\n</tool_call>',
      problems: 1,
    },
    "one broken and one whole": {
      answer: '<tool_call>oops</tool_call><tool_call>{"name": "list_all", "arguments": {}}</tool_call>',
      text: "<tool_call>oops</tool_call>",
      calls: [ALL],
      problems: 1,
    },
    "a cut": {
      answer: '<tool_call>\n{"name": "find", "arguments": {"what": "te',
      text: '<tool_call>\n{"name": "find", "arguments": {"what": "te',
      problems: 1,
    },
    "less-than signs": { answer: "1 < 2, <tool> and <tool_cal", text: "1 < 2, <tool> and <tool_cal" },
  },
  bare: {
    ...PLAIN,
    "a call": { answer: '{"name": "find", "parameters": {"what": "tea 🍵", "most": 3}}', calls: [TEA] },
    "after a token": { answer: '<|python_tag|>{"name": "list_all", "parameters": {}}', calls: [ALL] },
    "two calls": {
      answer: '{"name": "find", "parameters": {"what": "tea 🍵", "most": 3}}; {"name": "list_all", "parameters": {}}',
      calls: [TEA, ALL],
    },
    "JSON that is no call": { answer: '{"city": "Rome", "size": [1, 2]}', text: '{"city": "Rome", "size": [1, 2]}' },
    "a name that is none": { answer: '{"name": "Ann", "age": 4}', text: '{"name": "Ann", "age": 4}' },
    "a call within text": {
      answer: 'Use {"name": "list_all", "parameters": {}}.',
      text: 'Use {"name": "list_all", "parameters": {}}.',
    },
  },
  bracketed: {
    ...PLAIN,
    "two calls": {
      answer:
        '[TOOL_CALLS] [{"name": "find", "arguments": {"what": "tea 🍵", "most": 3}, "id": "abcdefghi"}, {"name": "list_all", "arguments": {}}]',
      calls: [TEA, ALL],
    },
    "a broken second": {
      answer: '[TOOL_CALLS] [{"name": "list_all", "arguments": {}}, {"name": 5}]',
      text: ', {"name": 5}]',
      calls: [ALL],
      problems: 1,
    },
  },
  listed: {
    ...PLAIN,
    "two calls": {
      answer:
        '<|tool_call|>[{"name": "find", "arguments": {"what": "tea 🍵", "most": 3}}, {"name": "list_all", "arguments": {}}]',
      calls: [TEA, ALL],
    },
    "without a list": { answer: '<|tool_call|>{"name": "list_all", "arguments": {}}', calls: [ALL] },
  },
  enclosed: {
    ...PLAIN,
    "two calls": {
      answer:
        'Sure.<|tool_call|>[{"name": "find", "arguments": {"what": "tea 🍵", "most": 3}}, {"name": "list_all", "arguments": {}}]<|/tool_call|>',
      text: "Sure.",
      calls: [TEA, ALL],
    },
  },
  named: {
    ...PLAIN,
    "two calls": {
      answer: '[TOOL_CALLS]find[ARGS]{"what": "tea 🍵", "most": 3}[TOOL_CALLS]list_all[ARGS]{}',
      calls: [TEA, ALL],
    },
    "without a mark": { answer: 'Hm. [TOOL_CALLS]find{"what": "tea 🍵", "most": 3}', text: "Hm.", calls: [TEA] },
    "with an id": { answer: "[TOOL_CALLS]list_all[CALL_ID]abcdefghi[ARGS]{}", calls: [ALL] },
    "no arguments": { answer: "[TOOL_CALLS]find[ARGS]tea", text: "[TOOL_CALLS]find[ARGS]tea", problems: 1 },
  },
  python: {
    ...PLAIN,
    "two calls, then text": {
      answer: '<|tool_call_start|>[find(what="tea 🍵", most=3), list_all()]<|tool_call_end|>I am looking.',
      text: "I am looking.",
      calls: [TEA, ALL],
    },
    "all kinds of values": {
      answer:
        "<|tool_call_start|>[find(what='it\\'s \\u00e9\\n', near=True, tags=[\"a\", 'b',], most=-2.5e3, more={'x': (1, None), \"y\": false})]<|tool_call_end|>",
      calls: [
        ["find", { what: "it's é\n", near: true, tags: ["a", "b"], most: -2500, more: { x: [1, null], y: false } }],
      ],
    },
    "as JSON": {
      answer: '<|tool_call_start|>[{"name": "list_all", "arguments": {}}]<|tool_call_end|>',
      calls: [ALL],
    },
    "code that is no call": {
      answer: "<|tool_call_start|>[find(what=open('x'))]<|tool_call_end|>",
      text: "<|tool_call_start|>[find(what=open('x'))]<|tool_call_end|>",
      problems: 1,
    },
  },
  xml: {
    ...PLAIN,
    "two calls": {
      answer:
        "Hm.\n\n<tool_call>\n<function=find>\n<parameter=what>\ntea 🍵\n</parameter>\n<parameter=most>\n3\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=list_all>\n</function>\n</tool_call>",
      text: "Hm.",
      calls: [TEA, ALL],
    },
    "values by their schema": {
      answer:
        '<tool_call><function=find><parameter=what>\n12\n\n</parameter><parameter=near>True</parameter><parameter=tags>["a", "b"]</parameter><parameter=kind>new</parameter></function></tool_call>',
      calls: [["find", { what: "12\n", near: true, tags: ["a", "b"], kind: "new" }]],
    },
    "tags within a value": {
      answer:
        "<tool_call><function=find><parameter=what>a </parameter> b </function> <c></parameter>\n</function></tool_call>",
      calls: [["find", { what: "a </parameter> b </function> <c>" }]],
    },
    "JSON instead": {
      answer: '<tool_call>{"name": "find"}</tool_call>',
      text: '<tool_call>{"name": "find"}</tool_call>',
      problems: 1,
    },
  },
  escaped: {
    ...PLAIN,
    "two calls": {
      answer:
        "<start_function_call>call:find{what:<escape>tea 🍵<escape>,most:3}<end_function_call><start_function_call>call:list_all{}<end_function_call>",
      calls: [TEA, ALL],
    },
    "nested values": {
      answer:
        "<start_function_call>call:find{what:<escape>a, {b}: <c><escape>,tags:[<escape>x<escape>,<escape>y<escape>],more:{k:true,l:{m:1.5}}}<end_function_call>",
      calls: [["find", { what: "a, {b}: <c>", tags: ["x", "y"], more: { k: true, l: { m: 1.5 } } }]],
    },
  },
};
