/** Fetches one small JSON document, with the same retries as a file. Model files go through url-source.ts. */
import { FoveaError } from "../errors.ts";
import { addressText, TRANSIENT_STATUSES } from "../shared/http.ts";
import type { ReadOptions } from "./byte-source.ts";
import { HttpAnswer, type HttpTarget } from "./http.ts";
import { decodeUtf8, parseJson } from "./json.ts";
import { DEFAULT_RETRY_POLICY, Retries, type RetryPolicy } from "./retry.ts";

export interface FetchJsonOptions extends ReadOptions, Pick<HttpTarget, "headers"> {
  retry?: RetryPolicy | undefined;
  /** Longer documents are refused. */
  maxBytes: number;
}

export interface JsonAnswer {
  status: number;
  /** The document; undefined unless the status is 200. */
  json: unknown;
  header(name: string): string | undefined;
}

/**
 * Fetches a document, bypassing every cache. Retries transient statuses; any other status is an answer.
 *
 * @param name the document's name, for messages
 * @throws FoveaError `download-failed` if it cannot be fetched, is too long or is not JSON; `aborted`.
 */
export async function fetchJson(url: URL, name: string, options: FetchJsonOptions): Promise<JsonAnswer> {
  const { signal, headers, maxBytes, retry = DEFAULT_RETRY_POLICY } = options;
  const target: HttpTarget = { url, name, headers, stallMs: retry.stallMs, httpCache: "no-store" };
  const retries = new Retries(retry, signal);
  for (;;) {
    try {
      return await ask(target, maxBytes, signal);
    } catch (error) {
      await retries.afterFailure(error);
    }
  }
}

async function ask(target: HttpTarget, maxBytes: number, signal: AbortSignal | undefined): Promise<JsonAnswer> {
  const answer = await HttpAnswer.open(target, undefined, signal);
  try {
    const { status } = answer;
    const where = `${target.name}: ${addressText(target.url)}`;
    if (TRANSIENT_STATUSES.includes(status)) throw answer.transientFailure(where);
    const header = (name: string) => answer.header(name);
    if (status !== 200) return { status, json: undefined, header };
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let received = 0;
    for await (const chunk of answer.chunks()) {
      received += chunk.byteLength;
      if (received > maxBytes)
        throw new FoveaError("download-failed", `${where} sent more than ${maxBytes} bytes; check the address`);
      chunks.push(chunk);
    }
    return { status, json: parse(new Uint8Array(await new Blob(chunks).arrayBuffer()), where), header };
  } finally {
    answer.close();
  }
}

function parse(bytes: Uint8Array, where: string): unknown {
  try {
    return parseJson(decodeUtf8(bytes, where), where);
  } catch (cause) {
    // parseJson reports a damaged model, but here the server sent something else.
    throw new FoveaError("download-failed", `${where} did not answer with JSON; check the address`, { cause });
  }
}
