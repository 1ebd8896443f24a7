/** Asking and remembering: every question once, whatever was cut short, and descriptions before answers from them. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Interview, knownAnswer } from "../../eval/interview.ts";
import { answerKey, Journal } from "../../eval/journal.ts";
import type { PageQuestion } from "../../eval/page.mjs";
import type { Item } from "../../eval/plan.ts";
import { settingsFor } from "../../eval/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "fovea-interview-"));
const file = join(folder, "deep/answers.jsonl");
afterAll(() => rmSync(folder, { recursive: true }));

let asked: PageQuestion[] = [];
beforeEach(() => {
  asked = [];
  rmSync(file, { force: true });
});

/** Answers with what was asked, in capitals and behind a blank. */
const respondent = {
  async ask(question: PageQuestion) {
    asked.push(question);
    const text = ` ${question.messages.at(-1)!.text.toUpperCase()}`;
    return { text, reason: "stop" as const, stats: { newTokens: 3, imageTokensAfter: 32, totalMs: 12.6 } };
  },
};

function interview(journal: Journal, model = "m"): Interview<Item> {
  const addressOf = ({ picture }: Item) => `/pictures/${picture.file}`;
  return new Interview({ respondent, journal, model, library: "lib", adapter: "none", addressOf });
}

function item(id: string, prompt: string, file = "a.png"): Item {
  const question = { topic: "what", prompt, need: [], only: "kinds", allow: [], task: null };
  const picture = { file, hash: `hash of ${file}`, things: 1, questions: [question] };
  const setting = settingsFor(64).find((one) => one.id === id)!;
  return { setting, set: { folder: "", closed: {}, pictures: [picture] }, picture, question };
}

test("a question is asked under its setting, with its picture", async () => {
  const record = await interview(new Journal(file)).answer(item("vmtc-25+cmai", "What?"));
  expect(asked).toEqual([
    {
      picture: "/pictures/a.png",
      messages: [{ role: "user", text: "What?" }],
      compression: { method: "vmtc", ratio: 0.25 },
      inhibition: { maxRatio: 0.6 },
      maxTokens: 96,
    },
  ]);
  expect(record).toMatchObject({ answer: " WHAT?", setting: "vmtc-25+cmai", picture: "a.png", milliseconds: 13 });
});

test("it is asked once, also by a later run", async () => {
  const first = await interview(new Journal(file)).answer(item("full", "What?"));
  const journal = new Journal(file);
  expect(knownAnswer(journal, "m", item("full", "What?"))).toEqual(first);
  expect(await interview(journal).answer(item("full", "What?"))).toEqual(first);
  expect(asked.length).toBe(1);
  expect(readFileSync(file, "utf8").split("\n").length).toBe(2);
});

test.for([
  ["another model", item("full", "What?"), "other"],
  ["another setting", item("full+cmai", "What?"), "m"],
  ["another question", item("full", "Where?"), "m"],
  ["another picture", item("full", "What?", "b.png"), "m"],
] as const)("%s is asked anew", async ([, other, model]) => {
  const journal = new Journal(file);
  await interview(journal).answer(item("full", "What?"));
  expect(knownAnswer(journal, model, other)).toBe(undefined);
  await interview(journal, model).answer(other);
  expect(asked.length).toBe(2);
});

test("an answer from the description alone: described once, then asked without the picture", async () => {
  const journal = new Journal(file);
  expect(knownAnswer(journal, "m", item("describe-first", "What?"))).toBe(undefined);
  await interview(journal).answer(item("describe-first", "What?"));
  await interview(journal).answer(item("describe-first", "Where?"));
  expect(asked.map(({ picture }) => picture)).toEqual(["/pictures/a.png", undefined, undefined]);
  expect(asked[2]!.messages).toEqual([
    { role: "user", text: "Describe the picture." },
    { role: "assistant", text: "DESCRIBE THE PICTURE." },
    { role: "user", text: "Where?" },
  ]);
  expect(knownAnswer(journal, "m", item("describe-first", "Where?"))?.answer).toBe(" WHERE?");
});

test("a line that was cut off is asked again, and does no harm to the next", async () => {
  await interview(new Journal(file)).answer(item("full", "What?"));
  const line = readFileSync(file, "utf8");
  appendFileSync(file, line.slice(0, 40));
  const journal = new Journal(file);
  await interview(journal).answer(item("full", "Where?"));
  const again = new Journal(file);
  for (const prompt of ["What?", "Where?"]) expect(knownAnswer(again, "m", item("full", prompt))).toBeDefined();
});

test("lines that are no answers are passed over", () => {
  writeFileSync(file, 'null\n3\n{"key": "k"}\n{"key": "k2", "answer": 3}\n');
  const journal = new Journal(file);
  expect([journal.get("k"), journal.get("k2")]).toEqual([undefined, undefined]);
});

test("a key does not depend on the order of fields", () => {
  const parts = { model: "m", picture: "p", messages: [], inhibition: { maxRatio: 0 }, maxTokens: 9 };
  const one = answerKey({ ...parts, compression: { method: "vmtc", ratio: 0.5, clusters: 0 } });
  expect(answerKey({ compression: { clusters: 0, ratio: 0.5, method: "vmtc" }, ...parts })).toBe(one);
  expect(answerKey({ ...parts, compression: { method: "vmtc", ratio: 0.5, clusters: 1 } })).not.toBe(one);
});
