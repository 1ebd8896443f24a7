// A picture, a question, a streamed answer.
import type { FoveaHook } from "fovea/react";
import { useFovea } from "fovea/react";
import type { FormEvent } from "react";

export function App({ source }: { source: string }) {
  const fovea = useFovea(source);

  function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const picture = form.get("picture") as File;
    void fovea.ask(String(form.get("question")), ...(picture.size > 0 ? [picture] : []));
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
        <button type="submit" disabled={fovea.status !== "ready"}>
          Ask
        </button>{" "}
        <button type="button" disabled={fovea.status !== "answering"} onClick={fovea.stop}>
          Stop
        </button>
      </form>
      <p role="status">{statusText(fovea)}</p>
      <output>{fovea.answer}</output>
    </>
  );
}

function statusText({ status, progress, error, reason, stats }: FoveaHook): string {
  if (error) return error.message;
  if (status === "answering") return "Answering ...";
  if (status === "ready") return reason ? `${reason}: ${stats?.newTokens} tokens` : "Ready.";
  const { stage = "config", loadedBytes = 0, totalBytes = 0 } = progress ?? {};
  return `${stage} ${totalBytes ? Math.round((100 * loadedBytes) / totalBytes) : 0} %`;
}
