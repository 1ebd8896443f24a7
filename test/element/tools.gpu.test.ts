/** Tools of the element: calls reach the page as events, and what it answers reaches the model. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Message, Tool, ToolCall } from "../../src/api.ts";
import type { FoveaCallDetail } from "../../src/element/events.ts";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import type { ScriptedLoader } from "./scripted-engine.ts";
import { begin, clearStage, listen, scriptEngines, settled, showChat, textOf } from "./stage.ts";

const TOOLS: Tool[] = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const call = (id: string, args: object): ToolCall => ({
  id,
  type: "function",
  function: { name: "weather", arguments: JSON.stringify(args) },
});

let loader: ScriptedLoader;
let chat: FoveaChat;
beforeEach(async () => {
  loader = scriptEngines();
  chat = await showChat();
  chat.tools = TOOLS;
});
afterEach(clearStage);

function onCall(answer: (detail: FoveaCallDetail) => void): FoveaCallDetail[] {
  const heard: FoveaCallDetail[] = [];
  chat.addEventListener("fovea-call", ({ detail }) => {
    heard.push(detail);
    answer(detail);
  });
  return heard;
}

const rolesOf = (messages: Message[]) => messages.map(({ role, content }) => `${role}: ${content}`);

test("a call is answered by the page, and the answer goes on", async () => {
  const events = listen();
  const heard = onCall(({ args, respond }) => respond(Promise.resolve({ sky: `clear over ${args.place}` })));
  const model = await begin(chat, loader, "What weather is in Rome?");
  expect(model.answer.request.tools).toEqual(TOOLS);
  model.answer.write("Let me look.");
  model.answer.call([call("c1", { place: "Rome" })]);
  await settled(chat);
  await expect.poll(() => model.answers.length).toBe(2);
  expect(heard.map(({ call, args }) => [call.id, args])).toEqual([["c1", { place: "Rome" }]]);
  const { messages, toolChoice } = model.answer.request;
  expect(toolChoice).toBe("auto");
  expect(rolesOf(messages)).toEqual([
    "user: What weather is in Rome?",
    "assistant: Let me look.",
    'tool: {"sky":"clear over Rome"}',
  ]);
  expect(messages[1]).toMatchObject({ tool_calls: [call("c1", { place: "Rome" })] });
  expect(messages[2]).toMatchObject({ tool_call_id: "c1" });
  model.answer.write("It is clear.");
  model.answer.finish();
  await settled(chat);
  expect(chat.turns[0]!.answers[0]).toMatchObject({ text: "Let me look.\n\nIt is clear.", state: "stop" });
  expect(textOf(chat, "calls")).toBe('weather {"place":"Rome"} = {"sky":"clear over Rome"}');
  const done = events.filter(({ name }) => name === "fovea-done");
  expect(done).toHaveLength(1);
  expect(done[0]!.detail).toMatchObject({ answer: "Let me look.\n\nIt is clear.", reason: "stop", toolCalls: [] });
  // The next question reads the call, its result, and the answer after them.
  chat.ask("And tomorrow?").catch(() => {});
  await settled(chat);
  expect(rolesOf(model.answer.request.messages)).toEqual([
    "user: What weather is in Rome?",
    "assistant: Let me look.",
    'tool: {"sky":"clear over Rome"}',
    "assistant: It is clear.",
    "user: And tomorrow?",
  ]);
});

test("several calls run side by side; a text is passed on as it is, an error by its message", async () => {
  onCall(({ args, respond }) => {
    if (args.place === "Rome") respond("sunny");
    else respond(Promise.reject(new Error("no such place")));
    respond("a second answer counts for nothing");
  });
  const model = await begin(chat, loader);
  model.answer.call([call("c1", { place: "Rome" }), call("c2", { place: "Atlantis" })]);
  await expect.poll(() => model.answers.length).toBe(2);
  const [, , ...results] = model.answer.request.messages;
  expect(rolesOf(results)).toEqual(["tool: sunny", 'tool: {"error":"no such place"}']);
});

test("a call that nothing answers ends the answer, and is told", async () => {
  const events = listen();
  const model = await begin(chat, loader);
  model.answer.call([call("c1", { place: "Rome" })]);
  await settled(chat);
  expect(model.answers).toHaveLength(1);
  const done = events.find(({ name }) => name === "fovea-done")!;
  expect(done.detail).toMatchObject({ reason: "stop", answer: "", toolCalls: [call("c1", { place: "Rome" })] });
  expect(textOf(chat, "calls")).toBe('weather {"place":"Rome"}');
});

test("the user stops while a tool runs; its result is ignored", async () => {
  let finish = (_: string) => {};
  onCall(({ respond }) => respond(new Promise((resolve) => (finish = resolve))));
  const model = await begin(chat, loader);
  model.answer.call([call("c1", {})]);
  await settled(chat);
  expect(chat.turns[0]!.answers[0]!.state).toBe("calling");
  expect(textOf(chat, "calls")).toBe("Waiting for the page's tools");
  chat.stop();
  await settled(chat);
  finish("late");
  await settled(chat);
  expect(model.answers).toHaveLength(1);
  expect(chat.turns[0]!.answers[0]!.state).toBe("abort");
});

test("a model that calls without end must answer after 16 rounds; a forced call is forced once", async () => {
  chat.settings = { toolChoice: "required" };
  onCall(({ respond }) => respond("again"));
  const model = await begin(chat, loader);
  for (let round = 0; round < 16; round++) {
    expect(model.answer.request.toolChoice).toBe(round === 0 ? "required" : "auto");
    model.answer.call([call(`c${round}`, {})]);
    await expect.poll(() => model.answers.length).toBe(round + 2);
  }
  expect(model.answer.request.toolChoice).toBe("none");
});

test("a conversation that was kept goes on with its calls", async () => {
  onCall(({ respond }) => respond("sunny"));
  const model = await begin(chat, loader, "Weather?");
  model.answer.call([call("c1", {})]);
  await expect.poll(() => model.answers.length).toBe(2);
  model.answer.write("Sunny.");
  model.answer.finish();
  await settled(chat);
  const kept = structuredClone(chat.turns.map(({ pictures: _, ...turn }) => ({ ...turn, pictures: [] })));
  chat.clear();
  chat.restore(kept);
  chat.ask("Sure?").catch(() => {});
  await settled(chat);
  expect(rolesOf(model.answer.request.messages)).toEqual([
    "user: Weather?",
    "assistant: ",
    "tool: sunny",
    "assistant: Sunny.",
    "user: Sure?",
  ]);
});
