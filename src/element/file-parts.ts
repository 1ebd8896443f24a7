/** Pictures of files that are not pictures: frames of a video, pages of a PDF. Loads with the first such file. */
import { html, type TemplateResult } from "lit";
import { nameInText } from "../image/measure.ts";
import { isVideoFile } from "../video/is-video-file.ts";
import { errorSentence } from "./wording.ts";

/** Pictures of a file, and a sentence about them. */
export interface FileParts {
  images: readonly File[];
  note: string;
}

/**
 * @param choose shows a chooser, and resolves with its answer
 * @throws as `videoFrames` and `pdfPages`
 */
export function partsOf(
  file: File,
  signal: AbortSignal,
  choose: (chooser: PageChooser) => Promise<string | undefined>,
): Promise<FileParts> {
  return isVideoFile(file) ? framesOf(file, signal) : pagesOf(file, signal, choose);
}

async function framesOf(file: File, signal: AbortSignal): Promise<FileParts> {
  const { videoFrames } = await import("../video/video-frames.ts");
  const frames = await videoFrames(file, { signal });
  const times = frames.map(({ seconds }) => seconds.toFixed(1)).join(", ");
  const note = `${nameInText(file.name)}: ${frames.length} pictures, at ${times} s.`;
  return { images: frames.map(({ image }) => image), note };
}

/** The only page of a PDF, or the pages that the user chooses. */
async function pagesOf(
  file: File,
  signal: AbortSignal,
  choose: (chooser: PageChooser) => Promise<string | undefined>,
): Promise<FileParts> {
  const { chosenPages } = await import("../pdf/pdf-pages.ts");
  const { parsePages } = await import("../pdf/page-numbers.ts");
  const name = nameInText(file.name);
  const ask = async (pages: number) =>
    pages === 1 ? "1" : choose(new PageChooser(name, pages, (text) => parsePages(text, pages), signal));
  const found = await chosenPages(file, ask, { signal });
  const [first] = found;
  if (!first) return { images: [], note: "" };
  const problems = found.filter((page) => page.problems !== "").map(({ page }) => page);
  const shown = found.map(({ page }) => page).join(", ");
  const lost = problems.length > 0 ? ` Parts of page ${problems.join(", ")} could not be drawn.` : "";
  const note = first.pages > 1 || lost ? `${name}: page ${shown} of ${first.pages}.${lost}` : "";
  return { images: found.map(({ image }) => image), note };
}

/** Asks which pages of a PDF are meant. */
export class PageChooser {
  /** Resolves with page numbers such as "2-5, 9", or with undefined if the user wants none. Stays open at wrong ones. */
  readonly answer: Promise<string | undefined>;
  readonly #name: string;
  readonly #pages: number;
  readonly #check: (text: string) => unknown;
  #resolve: (pages: string | undefined) => void = () => {};

  constructor(name: string, pages: number, check: (text: string) => unknown, signal: AbortSignal) {
    this.#name = name;
    this.#pages = pages;
    this.#check = check;
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    signal.addEventListener("abort", () => this.#resolve(undefined), { once: true });
  }

  get question(): string {
    return `${this.#name} has ${this.#pages} pages. Which ones do you ask about? Write 3, or 2-5, or 1, 4.`;
  }

  render(): TemplateResult {
    return html`<div class="pages" part="pages" role="group" aria-label="Pages of ${this.#name}">
      <label>Pages <input class="page-numbers" part="page-numbers" value="1"
        inputmode="numeric" autocomplete="off" maxlength="100" @keydown=${this.#onKey}
        @input=${({ target }: Event) => (target as HTMLInputElement).setCustomValidity("")} /></label>
      <button class="button" part="button add-pages" type="button" @click=${this.#add}>Add</button>
      <button class="button" part="button no-pages" type="button" @click=${() => this.#resolve(undefined)}>Cancel</button>
    </div>`;
  }

  #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.#resolve(undefined);
    // Otherwise Enter sends the question.
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    this.#add(event);
  };

  #add = (event: Event): void => {
    const input = (event.target as Element).closest(".pages")!.querySelector("input")!;
    const problem = this.#problemOf(input.value);
    input.setCustomValidity(problem);
    if (problem) input.reportValidity();
    else this.#resolve(input.value);
  };

  #problemOf(text: string): string {
    try {
      this.#check(text);
      return "";
    } catch (error) {
      if (error instanceof RangeError) return errorSentence(error);
      throw error;
    }
  }
}
