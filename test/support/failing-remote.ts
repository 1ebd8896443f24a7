/** Answers of a server that must fail. */
import { expect } from "vitest";
import type { GenerationEvent } from "../../src/api.ts";
import { createRemote, type RemoteOptions, ServerError } from "../../src/remote/index.ts";
import type { Answering, ChatServer } from "./chat-server.ts";

/** A key that no message may contain. */
export const KEY = "sk-secret-0123456789";
export const MESSAGES = [{ role: "user" as const, content: "What is it?" }];

/** A model on the server, asked once only unless the options say more. */
export function remoteTo(server: ChatServer, options: Partial<RemoteOptions> = {}) {
  return createRemote({ baseURL: server.origin, model: "model", apiKey: KEY, attempts: 1, ...options });
}

/** The text before the failure, and the failure. Checks that it holds that text, and no key. */
export async function failing(server: ChatServer, answers: Answering[], options: Partial<RemoteOptions> = {}) {
  server.answers = answers;
  const events: GenerationEvent[] = [];
  try {
    for await (const event of remoteTo(server, options).generate({ messages: MESSAGES })) events.push(event);
  } catch (error) {
    expect(error).toBeInstanceOf(ServerError);
    const { message, stack, cause } = error as ServerError;
    expect(`${message} ${stack} ${cause}`).not.toContain(KEY);
    expect(message.length).toBeLessThan(1100);
    const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
    expect((error as ServerError).partialText).toBe(text);
    return { error: error as ServerError, text };
  }
  throw new Error(`did not fail: ${JSON.stringify(events)}`);
}
