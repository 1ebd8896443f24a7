/** The words of an answer on the page: which of them shows where the model looked. */
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { Answer } from "../../src/app/logic/state.ts";
import { AnswerView, type WordsEvent } from "../../src/app/parts/answer-view.ts";

beforeAll(() => customElements.define("app-answer", AnswerView));

test("a word is hovered by a pointer that moves, not by one that rests where the answer appears", async () => {
  const view = document.createElement("app-answer") as AnswerView;
  view.answer = { text: "a dog", status: "done", attention: {}, images: [] } as unknown as Answer;
  document.body.append(view);
  onTestFinished(() => view.remove());
  await view.updateComplete;
  const told: (string | undefined)[] = [];
  view.addEventListener("words", (event) => {
    const { words } = (event as CustomEvent<WordsEvent>).detail;
    told.push(words && "a dog".slice(words.start, words.end));
  });
  const text = view.renderRoot.querySelector(".text")!;
  const [a, dog] = view.renderRoot.querySelectorAll(".word");
  const point = (target: Element, type: string) => target.dispatchEvent(new PointerEvent(type, { bubbles: true }));
  point(a!, "pointerover");
  expect(told).toEqual([]);
  point(a!, "pointermove");
  point(a!, "pointermove");
  point(dog!, "pointermove");
  point(text, "pointerleave");
  point(dog!, "pointermove");
  expect(told).toEqual(["a", "dog", undefined, "dog"]);
});
