// Loads a model into the page and asks it through OpenAI's interface.
import { Fovea } from "fovea";
import { FoveaOpenAI } from "fovea/openai";

const element = (id) => document.getElementById(id);
// The name of a known model, or the address of a folder in Hugging Face layout.
const source = new URLSearchParams(location.search).get("model") ?? "fovea-demo";
let running;

try {
  const client = new FoveaOpenAI({ demo: await Fovea.load(source) });
  element("status").textContent = "Ready.";
  element("ask").disabled = false;
  element("form").onsubmit = (event) => {
    event.preventDefault();
    void ask(client, event.target.elements);
  };
  element("stop").onclick = () => running.abort();
} catch (error) {
  element("status").textContent = error.message;
}

async function ask(client, { picture, question }) {
  const content = [{ type: "text", text: question.value }];
  const url = picture.files[0] && URL.createObjectURL(picture.files[0]);
  if (url) content.unshift({ type: "image_url", image_url: { url } });
  running = new AbortController();
  element("ask").disabled = true;
  element("stop").disabled = false;
  element("status").textContent = "Answering ...";
  element("answer").textContent = "";
  try {
    const messages = [{ role: "user", content }];
    const stream = await client.chat.completions.create(
      { model: "demo", messages, stream: true, stream_options: { include_usage: true } },
      { signal: running.signal },
    );
    let end = "stopped";
    for await (const { choices, usage } of stream) {
      element("answer").append(choices[0]?.delta.content ?? "");
      if (usage) end = `${usage.prompt_tokens} tokens read, ${usage.completion_tokens} written`;
    }
    element("status").textContent = end;
  } catch (error) {
    element("status").textContent = error.message;
  }
  if (url) URL.revokeObjectURL(url);
  element("stop").disabled = true;
  element("ask").disabled = false;
}
