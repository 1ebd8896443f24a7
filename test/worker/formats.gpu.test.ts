/** Formats and tools through a model in a worker: the grammar's worker starts from that worker. Also in Firefox. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelFiles, Tool } from "../../src/api.ts";
import { createFovea, type RemoteFovea } from "../../src/worker/client.ts";
import { sharedBytes } from "../support/shared.ts";
import template from "../text/jinja/templates/hermes-tools.jinja?raw";

const FOLDER = "golden/families/text-lfm2/model";
const NAMES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

let model: RemoteFovea;
beforeAll(async () => {
  const files: ModelFiles = { "chat_template.jinja": new TextEncoder().encode(template) };
  for (const name of NAMES) files[name] = await sharedBytes(`${FOLDER}/${name}`);
  model = await createFovea(files, { weights: "f32", precision: "f32", maxContext: 1024 });
});
afterAll(() => model.dispose());

test("a choice", async () => {
  const options = ["a cat", "a dog"];
  const messages = [{ role: "user" as const, content: "What is it?" }];
  expect(options).toContain(await model.generate({ messages, format: { type: "choice", options } }).text());
});

test("a required call, told in parts", async () => {
  const parameters = { type: "object", properties: { unit: { enum: ["C", "F"] } }, required: ["unit"] };
  const tools: Tool[] = [{ type: "function", function: { name: "weather", parameters } }];
  const request = { tools, toolChoice: "required", parallelToolCalls: false } as const;
  let args = "";
  let whole: string | undefined;
  for await (const event of model.generate({ messages: [{ role: "user", content: "Warm?" }], ...request })) {
    if (event.type === "tool-call") args += event.arguments;
    if (event.type === "done") whole = event.toolCalls?.[0]?.function.arguments;
  }
  expect(whole).toMatch(/^\{"unit": "[CF]"\}$/);
  expect(args).toBe(whole);
});
