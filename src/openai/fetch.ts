/**
 * OpenAI's service as a `fetch` function, for HTTP clients: JSON, server-sent events, statuses. Nothing goes over a
 * network. client.ts answers.
 */
import { type ApiError, invalid, toApiError } from "./api-error.ts";
import { type ChatModels, FoveaOpenAI } from "./client.ts";
import { ChatCompletionStream } from "./completion-stream.ts";
import type { ChatCompletionRequest, EmbeddingRequest } from "./types.ts";

const ENCODER = new TextEncoder();

/**
 * A replacement for `fetch`. It answers POST .../chat/completions, POST .../embeddings, GET .../models and GET
 * .../models/ID at any server. All else gets 404. As with `fetch`, an abort before the answer rejects with the signal's
 * reason; a later one breaks off the body. Cancelling the body ends the work.
 *
 * @throws TypeError for a value that is not a model
 *
 * @example
 * const client = new OpenAI({ fetch: createFetch(fovea), baseURL: "http://fovea.local/v1", apiKey: "unused",
 *   dangerouslyAllowBrowser: true });
 */
export function createFetch(models: ChatModels): typeof globalThis.fetch {
  const client = new FoveaOpenAI(models);
  return async (input, init) => {
    const request = new Request(input, init);
    try {
      request.signal.throwIfAborted();
      return await answer(client, request);
    } catch (error) {
      request.signal.throwIfAborted();
      return errorResponse(toApiError(error));
    }
  };
}

async function answer(client: FoveaOpenAI, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/chat/completions")) {
    expectMethod(request, "POST");
    // readRequest checks it.
    const body = (await readJson(request)) as ChatCompletionRequest;
    const completion = await client.chat.completions.create(body, { signal: request.signal });
    const headers = { "x-request-id": completion.id };
    if (!(completion instanceof ChatCompletionStream)) return Response.json(completion, { headers });
    const stream = eventStream(completion, request.signal);
    return new Response(stream, {
      headers: { ...headers, "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    });
  }
  if (pathname.endsWith("/embeddings")) {
    expectMethod(request, "POST");
    const body = (await readJson(request)) as EmbeddingRequest;
    return Response.json(await client.embeddings.create(body, { signal: request.signal }));
  }
  const match = /\/models(?:\/(.+))?$/.exec(pathname);
  if (!match) throw invalid(null, `Unknown request URL: ${request.method} ${pathname}`, "unknown_url", 404);
  expectMethod(request, "GET");
  const id = match[1];
  return Response.json(id === undefined ? await client.models.list() : await client.models.retrieve(decode(id)));
}

function expectMethod({ method }: Request, expected: string): void {
  if (method !== expected)
    throw invalid(null, `Method ${method} is not allowed here; use ${expected}`, "method_not_allowed", 405);
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(null, `The body of the request is not JSON: ${(cause as Error).message}`, "invalid_json");
  }
}

/** Decodes an id of an address; returns it unchanged if it is not valid encoding. */
function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function errorResponse({ status, error }: ApiError): Response {
  // An automatic retry would meet the same engine in the same state.
  return Response.json({ error }, { status, headers: { "x-should-retry": "false" } });
}

/** Server-sent events, one per chunk, made on demand. An error is an event too, because the status is already sent. */
function eventStream(completion: ChatCompletionStream, signal: AbortSignal): ReadableStream<Uint8Array> {
  const chunks = completion[Symbol.asyncIterator]();
  const event = (data: string) => ENCODER.encode(`data: ${data}\n\n`);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        signal.throwIfAborted();
        controller.enqueue(event(done ? "[DONE]" : JSON.stringify(value)));
        if (done) controller.close();
      } catch (error) {
        if (signal.aborted) {
          controller.error(signal.reason);
          return;
        }
        controller.enqueue(event(JSON.stringify({ error: toApiError(error).error })));
        controller.close();
      }
    },
    cancel() {
      completion.controller.abort();
    },
  });
}
