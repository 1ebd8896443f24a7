/** Shows an answer's Markdown in an element of a template. */
import { type ElementPart, noChange } from "lit";
import { Directive, type DirectiveResult, directive, type PartInfo, PartType } from "lit/directive.js";
import { awaitsMarkdown, loadMarkdown, renderMarkdown, updateMarkdown } from "./markdown.ts";
import { markWords, rangeOf, type TextRange, wordsBelow } from "./words.ts";

/** How the words of a finished answer are marked. */
export interface WordMarks {
  /** The words that are pointed at. */
  pointed: TextRange | undefined;
}

class MarkdownDirective extends Directive {
  #marked: string | undefined;
  /** The last arguments, for the time when the parser has come. */
  #last: [string, WordMarks | undefined] | undefined;

  constructor(info: PartInfo) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error("Markdown fills an element");
  }

  override update({ element }: ElementPart, last: [string, WordMarks | undefined]): typeof noChange {
    this.#last = last;
    this.#show(element, ...last);
    if (awaitsMarkdown(last[0]))
      void loadMarkdown().then((isLoaded) => {
        if (!isLoaded || this.#last !== last) return;
        this.#marked = undefined;
        this.#show(element, ...last);
      });
    return noChange;
  }

  #show(element: Element, text: string, marks: WordMarks | undefined): void {
    if (marks) this.#mark(element, text, marks);
    else updateMarkdown(element, text);
  }

  render(_text: string, _marks: WordMarks | undefined): typeof noChange {
    return noChange;
  }

  #mark(element: Element, text: string, { pointed }: WordMarks): void {
    if (this.#marked !== text) {
      const fragment = renderMarkdown(text);
      markWords(fragment, text);
      element.replaceChildren(fragment);
      this.#marked = text;
    }
    for (const word of wordsBelow(element)) {
      const range = rangeOf(word)!;
      word.classList.toggle("looked", pointed !== undefined && range.start < pointed.end && range.end > pointed.start);
    }
  }
}

/** Updates only changed blocks while an answer grows. With `marks`, each word is an element of its own. */
export const markdown: (text: string, marks: WordMarks | undefined) => DirectiveResult = directive(MarkdownDirective);
