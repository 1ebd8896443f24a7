/** A model as a React hook: loads it while the component is mounted, and streams one answer at a time into its state. */
import { useCallback, useEffect, useRef, useState } from "react";
import type {
  FoveaModel,
  GenerateRequest,
  GenerationEvent,
  GenerationStats,
  ImageInput,
  LoadProgress,
  MessagePart,
  ModelFiles,
  WorkerOptions,
} from "../api.ts";
import { FoveaError } from "../errors.ts";
import { createFovea } from "../worker/client.ts";

/** "stop", "length" or "abort". */
type AnswerEnd = Extract<GenerationEvent, { type: "done" }>["reason"];

export type FoveaStatus = "loading" | "ready" | "answering" | "error";

export interface UseFoveaOptions extends Omit<WorkerOptions, "signal"> {
  /** Loads the model, by default with `createFovea` in a worker. The options of the hook are passed on. */
  load?: (source: string | ModelFiles, options: WorkerOptions) => Promise<FoveaModel>;
}

export interface FoveaHook {
  /** "error" where the model could not be loaded; an answer that fails leaves the model "ready". */
  status: FoveaStatus;
  /** Of the running load. */
  progress: LoadProgress | undefined;
  /** Of the load or of the last answer. */
  error: Error | undefined;
  /** The last answer, as far as it has come. */
  answer: string;
  /** Why the last answer ended, and its figures, once it has. */
  reason: AnswerEnd | undefined;
  stats: GenerationStats | undefined;
  /** Undefined until the model is loaded. Its other methods may be called; `dispose` is the hook's. */
  model: FoveaModel | undefined;
  /**
   * Answers a question about pictures, or a request. A running answer is stopped first.
   *
   * @returns the whole answer, or what came of it before `stop`; undefined if it failed, as `error` says
   */
  ask(question: string | Omit<GenerateRequest, "signal">, ...pictures: ImageInput[]): Promise<string | undefined>;
  /** Stops the running answer and keeps its text. */
  stop(): void;
  /** Loads the model again after an error. */
  reload(): void;
}

interface State {
  status: FoveaStatus;
  model?: FoveaModel | undefined;
  progress?: LoadProgress | undefined;
  error?: Error | undefined;
  answer: string;
  reason?: AnswerEnd | undefined;
  stats?: GenerationStats | undefined;
}

const LOADING: State = { status: "loading", answer: "" };

/**
 * @param source as for `createFovea`: a change loads another model. Files must be the same object between renders.
 * @param options read when a load begins
 */
export function useFovea(source: string | ModelFiles, options: UseFoveaOptions = {}): FoveaHook {
  const [state, setState] = useState<State>(LOADING);
  const [attempt, setAttempt] = useState(0);
  const latestOptions = useRef(options);
  latestOptions.current = options;
  const running = useRef<AbortController>(undefined);
  const change = useCallback((part: Partial<State>) => setState((before) => ({ ...before, ...part })), []);

  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const { load = createFovea, onProgress, ...rest } = latestOptions.current;
    setState(LOADING);
    const tell = (progress: LoadProgress) => {
      if (signal.aborted) return;
      onProgress?.(progress);
      change({ progress });
    };
    load(source, { ...rest, signal, onProgress: tell }).then(
      (model) => {
        // The component has gone, or wants another model, since the load ended.
        if (signal.aborted) return model.dispose();
        signal.addEventListener("abort", () => model.dispose());
        change({ status: "ready", model, progress: undefined });
      },
      (error: unknown) => {
        if (!signal.aborted) change({ status: "error", error: asError(error), progress: undefined });
      },
    );
    return () => {
      running.current?.abort();
      // Later events of this answer must not change the next model's state.
      running.current = undefined;
      leaving.abort();
    };
  }, [source, attempt, change]);

  const { model } = state;
  const ask = useCallback<FoveaHook["ask"]>(
    async (question, ...pictures) => {
      if (!model) throw new FoveaError("disposed", 'the model is not loaded; ask once `status` is "ready"');
      running.current?.abort();
      const own = new AbortController();
      running.current = own;
      const isCurrent = () => running.current === own;
      const request = typeof question === "string" ? { messages: [userMessage(question, pictures)] } : question;
      change({ status: "answering", answer: "", error: undefined, reason: undefined, stats: undefined });
      let answer = "";
      try {
        for await (const event of model.generate({ ...request, signal: own.signal })) {
          if (!isCurrent()) break;
          if (event.type === "text") {
            answer += event.text;
            change({ answer });
          }
          if (event.type === "done") change({ reason: event.reason, stats: event.stats });
        }
        return answer;
      } catch (error) {
        if (own.signal.aborted) return answer;
        if (isCurrent()) change({ error: asError(error) });
        return undefined;
      } finally {
        if (isCurrent()) change({ status: "ready" });
      }
    },
    [model, change],
  );
  const stop = useCallback(() => running.current?.abort(), []);
  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  const { status, progress, error, answer, reason, stats } = state;
  return { status, progress, error, answer, reason, stats, model, ask, stop, reload };
}

function userMessage(question: string, pictures: readonly ImageInput[]): GenerateRequest["messages"][number] {
  const parts = pictures.map((image): MessagePart => ({ type: "image", image }));
  return { role: "user", content: [...parts, { type: "text", text: question }] };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
