/** How often the model that ships fills a form right, in the evaluation set's pictures: `npm test -- long`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import evaluation from "../../eval/set/eval.json";
import { kindNamed } from "../../src/app/scene/scene.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { shippedModelUrl } from "../support/shared.ts";

/** Share of right forms, for pictures of one to three things. */
const LEAST_SHARE = 0.8;

let fovea: Fovea;
beforeAll(async () => {
  fovea = await Fovea.load(shippedModelUrl());
});
afterAll(() => fovea?.dispose());

/** A question for a list named `field`. */
const QUESTIONS: [name: string, ask: (field: string) => string][] = [
  ["the fields named", (field) => `Answer in JSON with the fields ${field} and count.`],
  [
    "a question, and the fields named",
    (field) => `Which ${field} are in the picture, and how many? Answer in JSON with the fields ${field} and count.`,
  ],
  ["a question only", (field) => `Which ${field} can you see?`],
];

test.for(QUESTIONS)("%s", async ([name, ask]) => {
  const right: Record<number, boolean[]> = {};
  for (const { image: file, things } of evaluation.items) {
    const image = await (await fetch(`${location.origin}/eval/set/${file}`)).blob();
    const kinds = things.map(({ kind }) => kindNamed(kind));
    const field = kinds[0]!.category;
    const names = kinds.filter(({ category }) => category === field).map((kind) => kind.name);
    const schema = {
      type: "object",
      properties: { [field]: { type: "array", items: { type: "string" } }, count: { type: "number" } },
      required: [field, "count"],
      additionalProperties: false,
    };
    const content = [{ type: "image", image } as const, { type: "text", text: ask(field) } as const];
    const format = { type: "json-schema", schema } as const;
    const answer = await fovea.generate({ messages: [{ role: "user", content }], maxTokens: 100, format }).text();
    right[things.length] ??= [];
    right[things.length]!.push(isRight(answer, field, names));
  }
  const shares = Object.entries(right).map(([things, of]) => `${things}: ${of.filter(Boolean).length} of ${of.length}`);
  console.log(`forms right, ${name}, by number of things: ${shares.join(", ")}`);
  const few = [1, 2, 3].flatMap((things) => right[things] ?? []);
  expect(few.length).toBeGreaterThan(50);
  expect(few.filter(Boolean).length / few.length).toBeGreaterThanOrEqual(LEAST_SHARE);
});

/** True for JSON with exactly these names, in any order, and their number. An answer that was cut is not JSON. */
function isRight(answer: string, field: string, names: readonly string[]): boolean {
  if (!answer.endsWith("}")) return false;
  const { [field]: found, count } = JSON.parse(answer) as { [name: string]: string[] } & { count: number };
  return count === names.length && [...found!].sort().join() === [...names].sort().join();
}
