// A picture, a question, a streamed answer.
import type { MessagePart } from "fovea";
import { type FormEvent, useRef, useState } from "react";
import { useFovea } from "./use-fovea";

export function App({ source }: { source: string }) {
  const { fovea, progress } = useFovea(source);
  const [answer, setAnswer] = useState("");
  const [outcome, setOutcome] = useState("");
  const [isRunning, setIsRunning] = useState(false);
  const running = useRef<AbortController>(null);

  async function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const picture = form.get("picture") as File;
    const content: MessagePart[] = [{ type: "text", text: String(form.get("question")) }];
    if (picture.size > 0) content.unshift({ type: "image", image: picture });
    running.current = new AbortController();
    setIsRunning(true);
    setAnswer("");
    setOutcome("Answering ...");
    try {
      const { signal } = running.current;
      for await (const event of fovea!.generate({ messages: [{ role: "user", content }], signal })) {
        if (event.type === "text") setAnswer((text) => text + event.text);
        if (event.type === "done") setOutcome(`${event.reason}: ${event.stats.newTokens} tokens`);
      }
    } catch (error) {
      setOutcome((error as Error).message);
    }
    setIsRunning(false);
  }

  return (
    <>
      <h1>Ask about a picture</h1>
      <form onSubmit={ask}>
        <p>
          <label>
            Picture <input type="file" name="picture" accept="image/*" />
          </label>
        </p>
        <p>
          <label>
            Question <input name="question" defaultValue="What is in this picture?" required />
          </label>
        </p>
        <button type="submit" disabled={!fovea || isRunning}>
          Ask
        </button>{" "}
        <button type="button" disabled={!isRunning} onClick={() => running.current?.abort()}>
          Stop
        </button>
      </form>
      <p role="status">{outcome || progress}</p>
      <output>{answer}</output>
    </>
  );
}
