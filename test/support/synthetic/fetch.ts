/** A `fetch` that serves a synthetic checkpoint at an address without a server. For tests in a page. */
import { answerFor } from "./answer.ts";
import type { SyntheticCheckpoint } from "./checkpoint.ts";

export interface SyntheticFetch {
  fetch: typeof fetch;
  /** Bytes of bodies that were read. */
  readonly sentBytes: number;
}

/** @param folder address of the checkpoint's folder, which ends in a slash; all others go to the page's own `fetch` */
export function syntheticFetch(checkpoint: SyntheticCheckpoint, folder: string): SyntheticFetch {
  const original = fetch;
  let sentBytes = 0;
  const answer: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(folder)) return original(input, init);
    const range = new Headers(init?.headers).get("Range") ?? undefined;
    const { status, headers, file, start, end } = answerFor(checkpoint, url.slice(folder.length), range);
    const chunks = file?.chunks(start, end);
    const body = new ReadableStream({
      pull(controller) {
        const { value, done } = chunks?.next() ?? { done: true };
        if (done || !value) return controller.close();
        sentBytes += value.byteLength;
        controller.enqueue(value);
      },
    });
    return new Response(body, { status, headers });
  };
  return {
    fetch: answer,
    get sentBytes() {
      return sentBytes;
    },
  };
}
