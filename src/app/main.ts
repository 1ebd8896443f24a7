/** The demo page: brings its panels together, and decides when a question can be asked. */
import { AnswerPanel, isClassifier } from "./answer-panel.ts";
import { byId } from "./dom.ts";
import type { Model } from "./engine.ts";
import { ModelPanel } from "./model-panel.ts";
import { PicturePanel } from "./picture-panel.ts";

const question = byId("question", HTMLTextAreaElement);
const form = byId("question-form", HTMLFormElement);
const askButton = byId("ask", HTMLButtonElement);
const stopButton = byId("stop", HTMLButtonElement);
const note = byId("question-note", HTMLSpanElement);

let model: Model | undefined;
let running: AbortController | undefined;

const answer = new AnswerPanel();
const pictures = new PicturePanel(update);
new ModelPanel((changed) => {
  running?.abort();
  model = changed;
  update();
});

/** What still has to be done before the question can be asked; "" if nothing. */
function missing(): string {
  if (!model) return "Load a model first.";
  if (isClassifier(model)) return pictures.picture ? "" : "Choose a picture first.";
  if (!model.info.canGenerate) return "This model has no tokenizer and cannot be asked.";
  return question.value.trim() === "" ? "Write a question first." : "";
}

/** Whether the picture goes with the question. */
function takesPicture(): boolean {
  return model !== undefined && model.info.imageSize > 0;
}

function update(): void {
  const needs = missing();
  askButton.disabled = needs !== "" || running !== undefined;
  const isIgnored = model !== undefined && pictures.picture !== undefined && !takesPicture();
  note.textContent = needs || (isIgnored ? "This model reads text only: the picture is left out." : "");
  askButton.textContent = model && isClassifier(model) ? "Classify" : "Ask";
  question.disabled = model !== undefined && isClassifier(model);
  stopButton.disabled = running === undefined;
}

async function ask(): Promise<void> {
  if (!model || running || missing() !== "") return;
  const own = new AbortController();
  running = own;
  update();
  const picture = takesPicture() ? pictures.picture : undefined;
  await answer.ask(model, { text: question.value, picture, signal: own.signal });
  running = undefined;
  update();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void ask();
});
question.addEventListener("input", update);
question.addEventListener("keydown", (event) => {
  // Shift+Enter makes a new line; Enter that ends a composition belongs to the input method.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stopButton.addEventListener("click", () => running?.abort());
update();
