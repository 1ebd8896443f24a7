/** Events of servers with OpenAI's chat completions, for tests in Node and in a browser. */

/** One event of an answer. */
export function deltaEvent(content: string | undefined, more: object = {}): string {
  const choice = { index: 0, delta: content === undefined ? {} : { content }, finish_reason: null, ...more };
  return `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [choice] })}\n\n`;
}

/** The last events of an answer. */
export const FINISHED = `${deltaEvent(undefined, { finish_reason: "stop" })}data: [DONE]\n\n`;
