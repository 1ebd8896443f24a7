/** The sixteen checks, strict and loose: for each, answers that pass and answers that do not. */
import { describe, expect, test } from "vitest";
import { follows, followsLoosely, type Instruction, TASK_NAMES } from "../../eval/instruction-checks.ts";

type Case = [what: string, instruction: Instruction, passing: string[], failing: string[]];

const atLeast = (task: 12 | 13, n: number): Instruction => ({ task, n, relation: "at least" });
const lessThan = (task: 12 | 13, n: number): Instruction => ({ task, n, relation: "less than" });

const CASES: Case[] = [
  ["no commas", { task: 1 }, ["A dog and a cat.", "一、二", "a，b", "1.5"], ["A dog, a cat.", ",", "1,000"]],
  ["lowercase", { task: 2 }, ["a dog.", "élan", "2 dogs, ß"], ["A dog.", "123", "!?", "aǅ", "É", "Ⅷ dogs", "犬"]],
  ["uppercase", { task: 3 }, ["A DOG.", "ÉLAN", "2 DOGS"], ["A DOg.", "123", "DOG ß", "Aǅ", "ⅷ DOGS", "犬"]],
  [
    "placeholders",
    { task: 4, n: 2 },
    ["[name] and [date]", "[][]", "[a]\n[b]", "[[a] [b]]"],
    ["[name]", "[na\nme] [date]", "(name) (date)", "] [ ["],
  ],
  ["one placeholder is the shortest", { task: 4, n: 1 }, ["[name [date]", "[]"], ["[name", "]name[", "[\n]"]],
  [
    "a postscript",
    { task: 5, marker: "P.S." },
    ["Yes. P.S. Good.", "yes. p.s. good", "P. S. Good", "p.\ns.", "P.P.S. Good"],
    ["PS: Good", "P.S good", "P.  S. Good", "p,s.", "Postscript: good"],
  ],
  [
    "a second postscript",
    { task: 5, marker: "P.P.S" },
    ["Yes. P.P.S Good.", "p. p. s", "P.P.S. Good", "p.p.\ts"],
    ["P.S. Good", "PPS", "P.P. Good", "P.P.  S"],
  ],
  [
    "a title",
    { task: 6 },
    ["<<Dogs>>\nA dog.", "A dog. << x >>", "<<<Dogs>>>", "<<a\n<<b>>", "<< < x > >>"],
    ["<<>>", "<< >>", "<< <> >>", "<Dogs>", "<<Do\ngs>>", ">>Dogs<<", "<<<>>>"],
  ],
  [
    "keywords",
    { task: 7, keywords: ["river", "C++"] },
    ["A River in C++.", "rivers, c++"],
    ["A river in C.", "C++", "a riv er in C++", "Cpp river"],
  ],
  ["a keyword is no pattern", { task: 7, keywords: ["a.c"] }, ["A.C"], ["abc"]],
  [
    "highlights",
    { task: 8, n: 2 },
    ["*a* *b*", "**a** **b**", "*a* **b**", "*a* b *c*"],
    ["**bold**", "**a* *b**", "*a*", "* *a* *", "****", "** ** **", "*a\nb* *c*", "***", "a * b * "],
  ],
  ["**bold** is one highlight", { task: 8, n: 1 }, ["**bold**", "*a*"], ["***", "** **", "****", "*\n*", "*a"]],
  [
    "JSON",
    { task: 9 },
    [
      '{"a": 1}',
      "[1]",
      "1",
      '"yes"',
      "null",
      "```json\n{}\n```",
      "```\n[]\n```",
      "```JSON\n1\n```",
      " {} \n",
      "```{}```",
    ],
    [
      "NaN",
      "{a: 1}",
      "{'a': 1}",
      "[NaN]",
      "-Infinity",
      "yes",
      "{} {}",
      "``````json\n{}\n``````",
      "Here: {}",
      "```python\n1\n```",
    ],
  ],
  [
    "sections",
    { task: 10, n: 2, word: "Section" },
    [
      "Section 1\na\nSection 2\nb",
      "Section 1 a Section 2 b",
      "Section1 Section2",
      "Section 1 Section 1",
      "Section\n1 Section\n2",
    ],
    [
      "Section 1\na",
      "SECTION 1\na\nSECTION 2\nb",
      "Section A Section B",
      "section 1 section 2",
      "Section  1 Section  2",
    ],
  ],
  ["a section word is no pattern", { task: 10, n: 1, word: "Part." }, ["Part. 1"], ["Parts 1"]],
  [
    "bullets",
    { task: 11, n: 2 },
    ["* a\n* b", "- a\n- b", "* a\r\n* b\r\n", "*a\n\n  - b", "---\n* a", "text\n* a\n- b\nmore", "- a\n-"],
    ["* a", "** a\n** b", "* a\n* b\n* c", "1. a\n2. b", "a * b\na - b", "***\n* a", "• a\n• b", "* a\r* b"],
  ],
  ["--- is a bullet, *** is none", { task: 11, n: 1 }, ["---", "***\n- a"], ["***", "--\n--"]],
  [
    "sentences, at least",
    atLeast(12, 4),
    ["xx,x. xx,x! xx/x. x{x}x?", "One. Two. Three. Four.", "one? two! three. four"],
    ["One. Two. Three.", "Mr. A. B. Smith saw e.g. a dog.", "One.\nTwo.\nThree", "a\nb\nc\nd"],
  ],
  [
    "sentences, less than",
    lessThan(12, 2),
    ["A dog.", "A dog", "It costs 3.14 dollars.", "A dog\nand a cat.", "Dr. Jones saw it."],
    ["A dog. A cat.", "A dog! a cat?", 'He said: "Yes." It was so.'],
  ],
  [
    "words, at least",
    atLeast(13, 4),
    ["one two three four", "don't can't", "a-b c/d", "été_1 a b c", "1 2 3 4 5"],
    ["one two three", "don't can", "a_b c_d e_f", "... !!! ??? ;;;"],
  ],
  ["words, less than", lessThan(13, 3), ["one two", "don't", "...one"], ["one two three", "don't go", "1.2.3"]],
  [
    "two answers",
    { task: 14 },
    ["a ****** b", "a\n******\nb", "******a******b", "a****** b ******"],
    [
      "a ****** a",
      "a",
      "a ***** b",
      "a ****** b ****** c",
      "a ************ b",
      "****** b",
      "a ****** ",
      "a ****** a \n",
    ],
  ],
  [
    "an end",
    { task: 15, phrase: "Take care." },
    ["Bye. Take care.", 'Bye. take CARE."', "Take care.\n ", '"Take care."'],
    ["Take care", "Take care. Bye", "“Bye. Take care.”", "Take care.)", "Take  care.", 'Take care. "'],
  ],
  [
    "a start",
    { task: 16, phrase: "Let me see" },
    ["Let me see. A dog.", "Well.\n  Let me see", "Let me seem"],
    ["let me see", "So, Let me see", '"Let me see', "LET ME SEE"],
  ],
  ["a start is no pattern", { task: 16, phrase: "What?" }, ["What? A dog."], ["Wha A dog."]],
  [
    "double quotes",
    { task: 16, quotes: true },
    ['"A dog."', ' "A\ndog" \n', '""'],
    ['"', "A dog", '"A dog', "“A dog”", "'A dog'", '"A dog".'],
  ],
];

describe.for(CASES)("%s", ([, instruction, passing, failing]) => {
  test.for(passing)("%j passes", (answer) => {
    expect(follows(instruction, answer)).toBe(true);
    expect(followsLoosely(instruction, answer)).toBe(true);
  });
  test.for(failing)("%j fails", (answer) => {
    expect(follows(instruction, answer)).toBe(false);
  });
});

test("every task has cases", () => {
  const tested = new Set(CASES.map(([, { task }]) => String(task)));
  expect([...tested].sort()).toEqual(Object.keys(TASK_NAMES).sort());
});

test.for(CASES)("nothing follows by saying nothing: %s", ([, instruction]) => {
  for (const blank of ["", " ", "\n\n", "\t"]) {
    expect(follows(instruction, blank)).toBe(false);
    expect(followsLoosely(instruction, blank)).toBe(false);
  }
});

describe("loosely", () => {
  const upper: Instruction = { task: 3 };
  test.for([
    ["as it is", "A DOG."],
    ["without the first line", "Sure:\nA DOG."],
    ["without the last", "A DOG.\nBye"],
    ["without both", "Sure:\nA DOG.\nBye"],
  ])("%s", ([, answer]) => {
    expect(followsLoosely(upper, answer!)).toBe(true);
  });

  test.for([
    ["as it is", "*Let* me see"],
    ["without the first line", "Sure:\n*Let* me see"],
    ["without the last", "*Let* me see\n*"],
    ["without both", "Sure:\n*Let* me see\nBye"],
  ])("without asterisks, %s", ([, answer]) => {
    expect(followsLoosely({ task: 15, phrase: "Let me see" }, answer!)).toBe(true);
    expect(follows({ task: 15, phrase: "Let me see" }, answer!)).toBe(false);
  });

  test("a variant that is blank follows nothing", () => {
    expect(followsLoosely({ task: 1 }, "a, b")).toBe(false);
    expect(followsLoosely({ task: 1 }, "\na, b\n")).toBe(false);
  });

  test("a wrong middle stays wrong", () => {
    expect(followsLoosely(upper, "small\nA\nsmall")).toBe(true);
    expect(followsLoosely(upper, "A\nsmall\nB")).toBe(false);
  });
});

test("the language of a text in one case can be asked for", () => {
  const german = () => "German";
  expect(follows({ task: 2 }, "ein hund", german)).toBe(false);
  expect(follows({ task: 3 }, "EIN HUND", german)).toBe(false);
  expect(follows({ task: 1 }, "ein hund", german)).toBe(true);
  expect(followsLoosely({ task: 2 }, "ein hund", german)).toBe(false);
});
