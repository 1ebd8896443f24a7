/** The turns of a conversation, and what a model reads of them. Pure. */
import type {
  AnswerAttention,
  GenerateRequest,
  GenerationStats,
  ImageInput,
  Message,
  SeenView,
  ToolCall,
} from "../api.ts";

/** The part of a picture that a conversation needs. */
export interface Pictured {
  readonly image: ImageInput;
}

/** The fields of a request besides its conversation. */
export type AnswerSettings = Omit<GenerateRequest, "messages" | "signal">;

/** A picture as the model read it for an answer. */
export interface SeenPicture {
  /** Image tokens that the decoder reads. */
  readonly tokens: number;
  readonly milliseconds: number;
  /** In the order of the prompt. */
  readonly views: readonly SeenView[];
}

/** Calls of an answer, which went on with what they returned. */
export interface ToolStep {
  /** Length of the answer's text before the calls. */
  readonly end: number;
  readonly calls: readonly ToolCall[];
  /** In the order of the calls. */
  readonly results: readonly string[];
}

/** One answer to a question. */
export interface Answer {
  readonly text: string;
  /**
   * "loading": the model is not loaded yet; "reading": no text yet; then "writing"; "calling": tools run; finally the
   * outcome.
   */
  readonly state: "loading" | "reading" | "writing" | "calling" | "stop" | "length" | "abort" | "failed";
  /** Why nothing happens: the GPU was lost and the model loads again, or its shaders compile before the first answer. */
  readonly pause?: "recovering" | "compiling" | undefined;
  /** The library that the answer waits for, and its bytes. */
  readonly library?: { readonly name: string; readonly bytes: number } | undefined;
  /** The settings that it was asked with. */
  readonly settings: AnswerSettings;
  /** All pictures of the conversation up to its question, in order. */
  readonly seen: readonly SeenPicture[];
  readonly attention?: AnswerAttention;
  /** The error of a failed answer. */
  readonly error?: unknown;
  readonly stats?: GenerationStats;
  /** Tools that ran for it, in order. */
  readonly steps?: readonly ToolStep[];
  /** Calls at its end that nothing answered. */
  readonly toolCalls?: readonly ToolCall[];
}

/** A question and its answers. */
export interface Turn<P extends Pictured = Pictured> {
  readonly id: number;
  readonly question: string;
  readonly pictures: readonly P[];
  /** In the order in which they were asked for; at least one. */
  readonly answers: readonly Answer[];
  /** Index of the answer that is shown and that later questions follow. */
  readonly shown: number;
  /** The part of the turn that later questions leave out, because the context was full. */
  readonly leftOut?: "turn" | "pictures";
}

const ENDED: readonly string[] = ["stop", "length", "abort", "failed"];

/** The answer of a turn that is shown. */
export function shownAnswer({ answers, shown }: Turn): Answer {
  return answers[shown]!;
}

/** True if an answer can still change. */
export function isRunning({ state }: Answer): boolean {
  return !ENDED.includes(state);
}

/** The turns that a model reads before a question. Unanswered ones are left out: models expect alternating messages. */
export function answeredTurns<T extends Turn>(turns: readonly T[]): T[] {
  return turns.filter((turn) => {
    if (turn.leftOut === "turn") return false;
    const { state, text } = shownAnswer(turn);
    return state !== "failed" && text !== "";
  });
}

/**
 * The earlier turns that a model reads before a question: the answered ones. Pictures that are, with those before them,
 * more than the model keeps apart begin anew.
 */
export function readTurns<T extends Turn>(before: readonly T[], turn: T, maxPictures = Number.POSITIVE_INFINITY): T[] {
  const answered = answeredTurns(before);
  let first = 0;
  let count = 0;
  for (const [i, one] of [...answered, turn].entries()) {
    const { length } = picturesOf(one);
    if (count > 0 && length > 0 && count + length > maxPictures) [first, count] = [i, 0];
    count += length;
  }
  return answered.slice(first);
}

/** The pictures of a turn that a model reads. */
export function picturesOf<P extends Pictured>({ pictures, leftOut }: Turn<P>): readonly P[] {
  return leftOut === "pictures" ? [] : pictures;
}

/** True if leaving this out of a turn makes the conversation shorter. */
export function canLeaveOut({ pictures, leftOut }: Turn, what: "turn" | "pictures"): boolean {
  return leftOut !== "turn" && (what === "turn" || (pictures.length > 0 && leftOut !== "pictures"));
}

/** A question as a message. */
export function questionOf(turn: Turn): Message {
  const { question } = turn;
  const pictures = picturesOf(turn);
  if (pictures.length === 0) return { role: "user", content: question };
  const images = pictures.map(({ image }) => ({ type: "image" as const, image }));
  return { role: "user", content: [...images, { type: "text", text: question }] };
}

/** Between the text before calls and the text after them. */
export const STEP_BREAK = "\n\n";

/** The steps of an answer as messages: its calls, and what tools returned. */
export function stepMessages({ text, steps = [] }: Pick<Answer, "text" | "steps">): Message[] {
  return steps.flatMap(({ end, calls, results }, i) => [
    { role: "assistant" as const, content: partOf(text, steps[i - 1]?.end, end), tool_calls: [...calls] },
    ...results.map((content, call) => ({ role: "tool" as const, tool_call_id: calls[call]!.id, content })),
  ]);
}

/** A whole answer as messages. */
export function answerMessages(answer: Answer): Message[] {
  const { text, steps } = answer;
  return [...stepMessages(answer), { role: "assistant", content: partOf(text, steps?.at(-1)?.end, text.length) }];
}

/** The part of a text that a step added. */
function partOf(text: string, start: number | undefined, end: number): string {
  if (!start) return text.slice(0, end);
  const part = text.slice(start, end);
  return part.startsWith(STEP_BREAK) ? part.slice(STEP_BREAK.length) : part;
}
