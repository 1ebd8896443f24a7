/** A server with OpenAI's chat completions whose answers a test writes, faults included. Node only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { deltaEvent } from "./server-events.ts";

/** A request as it came. */
export interface Received {
  path: string;
  method: string;
  headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  body: any;
}

/** Its result is awaited and ignored. */
export type Answering = (response: ServerResponse, request: Received) => unknown;

/** A server on this machine, closed by `close`. */
export class ChatServer {
  /** Newest last. */
  readonly received: Received[] = [];
  /** Answers of the next requests, in order; the last one answers all that follow. */
  answers: Answering[] = [];
  /** Requests whose connection the client has closed before the end of the answer. */
  left = 0;
  /** Also after `close`. */
  origin = "";
  #server!: Server;

  static async start(): Promise<ChatServer> {
    const chat = new ChatServer();
    await chat.listen();
    return chat;
  }

  async listen(): Promise<void> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const { url = "", method = "", headers } = request;
    const received = { path: url, method, headers, body: text === "" ? undefined : JSON.parse(text) };
    response.on("close", () => {
      if (!response.writableFinished) this.left++;
    });
    // A page of another origin.
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "authorization, content-type");
    if (method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    this.received.push(received);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer) await answer(response, received);
    else response.writeHead(404).end();
  }
}

/** A server for all tests of a file. Each test begins without requests, and with these answers if there are any. */
export function useChatServer(...answers: Answering[]): ChatServer {
  const server = new ChatServer();
  beforeAll(() => server.listen());
  afterAll(() => server.close());
  beforeEach(() => {
    server.received.length = 0;
    if (answers.length > 0) server.answers = [...answers];
  });
  return server;
}

/** A stream of these bytes, each part in a write of its own. `end` false leaves the connection open. */
export function streamOf(parts: readonly (string | Uint8Array)[], end = true): Answering {
  return async (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    for (const part of parts) {
      response.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (end) response.end();
  };
}

/** An answer with a status and JSON. */
export function jsonOf(status: number, body: unknown, headers: Record<string, string> = {}): Answering {
  return (response) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(text);
  };
}

/** One event of an answer. */
export const deltaOf = deltaEvent;

/** The last events of an answer. */
export const FINISH = deltaOf(undefined, { finish_reason: "stop" });
export const DONE = "data: [DONE]\n\n";
export const USAGE = `data: ${JSON.stringify({
  choices: [],
  usage: { prompt_tokens: 21, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 5 } },
})}\n\n`;

/** A whole answer of these texts. */
export function answerOf(...texts: string[]): Answering {
  return streamOf([...texts.map((text) => deltaOf(text)), FINISH, USAGE, DONE]);
}
