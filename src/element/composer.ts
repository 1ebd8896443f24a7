/** The form for a question and its pictures: by file, camera, drop and paste. Asks nothing itself. */
import { html, nothing, type ReactiveController, type ReactiveControllerHost, type TemplateResult } from "lit";
import { FoveaError } from "../errors.ts";
import { measurePicture, nameInText, refusalOf, undecodable } from "../image/measure.ts";
import { isPdfFile } from "../pdf/is-pdf-file.ts";
import { isVideoFile } from "../video/is-video-file.ts";
import type { ComposerLook, ComposerOwner } from "./composer-owner.ts";
import { droppedFiles, isTaken } from "./dropped.ts";
import { holdsModel } from "./dropped-model.ts";
import type { PageChooser } from "./file-parts.ts";
import { CAMERA_ICON, PICTURE_ICON, REMOVE_ICON, SEND_ICON, STOP_ICON } from "./icons.ts";
import { type ChatPicture, takePicture } from "./pictures.ts";
import { TokenLine } from "./token-line.ts";
import { isSendKey, pastedFiles } from "./typing.ts";
import { errorSentence } from "./wording.ts";

const DEFAULT_PLACEHOLDER = "Ask about a picture";
const EVENTS = ["dragover", "dragleave", "drop", "paste", "keydown"] as const;

/** The form at the bottom of the element. Listens for dropped and pasted files on the whole element. */
export class Composer implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #owner: ComposerOwner;
  #pictures: readonly ChatPicture[] = [];
  #note = "";
  /** True if the note is about an error. */
  #isProblem = false;
  #isDraggedOver = false;
  #takesPictures = true;
  #maxPictures = Number.POSITIVE_INFINITY;
  #isBusy = false;
  #needsPicture = false;
  /** Videos and PDFs that are being read. */
  #reading = 0;
  /** Questions which pages of a PDF are meant. */
  #choosers: readonly PageChooser[] = [];
  #leaving = new AbortController();
  #focused: Element | undefined;
  readonly #tokens: TokenLine<ChatPicture>;
  /** The question and pictures that were counted last. */
  #typed: readonly [string, readonly ChatPicture[]] = ["", []];

  constructor(host: ReactiveControllerHost & HTMLElement, owner: ComposerOwner) {
    this.#host = host;
    this.#owner = owner;
    this.#tokens = new TokenLine(owner.count, () => host.requestUpdate());
    host.addController(this);
  }

  get isDraggedOver(): boolean {
    return this.#isDraggedOver;
  }

  hostConnected(): void {
    for (const type of EVENTS) this.#host.addEventListener(type, this);
  }

  hostDisconnected(): void {
    for (const type of EVENTS) this.#host.removeEventListener(type, this);
    this.#tokens.stop();
    this.#leaving.abort();
    this.#leaving = new AbortController();
  }

  /** Notes the focus: a removed button would lose it, so keyboard users get it back in the question field. */
  hostUpdate(): void {
    const active = this.#host.shadowRoot?.activeElement;
    this.#focused = active?.matches(":focus-visible") ? active : undefined;
  }

  hostUpdated(): void {
    if (this.#focused && !this.#focused.isConnected) this.focus({ preventScroll: true });
    this.#focused = undefined;
    const [question, pictures] = this.#typed;
    if (this.#question === question && this.#pictures === pictures) return;
    this.#typed = [this.#question, this.#pictures];
    this.#tokens.typed(...this.#typed);
  }

  handleEvent(event: Event): void {
    if (event instanceof KeyboardEvent) {
      if (event.key === "Escape" && this.#isBusy) this.#owner.onStop();
    } else if (event instanceof ClipboardEvent) this.#takeFrom(event, pastedFiles(event));
    else if (event instanceof DragEvent) this.#onDrag(event);
  }

  focus(options?: FocusOptions): void {
    this.#input?.focus(options);
  }

  get #input(): HTMLTextAreaElement | null | undefined {
    return this.#host.shadowRoot?.querySelector("textarea");
  }

  /** Puts a question and its pictures into the form, in place of what was there. */
  fill(question: string, pictures: readonly ChatPicture[]): void {
    const input = this.#input;
    if (input) input.value = question;
    this.#pictures = pictures;
    this.#say("");
    this.focus();
    this.#update();
  }

  /** Adds the pictures among these, and says why others were not added. Files at once; only an address takes a while. */
  attach(pictures: readonly File[] | DataTransfer): void {
    const files = pictures instanceof DataTransfer ? [...pictures.files] : pictures;
    if (pictures instanceof DataTransfer && files.length === 0) void this.#takeAddress(pictures);
    else this.#take(files);
  }

  render({ placeholder, isBusy, takesPictures, maxPictures, host, needsPicture }: ComposerLook): TemplateResult {
    this.#takesPictures = takesPictures;
    this.#maxPictures = maxPictures;
    this.#isBusy = isBusy;
    this.#needsPicture = needsPicture && this.#pictures.length === 0;
    return html`<form class="composer" part="composer" @submit=${this.#submit}>
      ${
        this.#pictures.length > 0
          ? html`<ul class="tray" part="tray" aria-label="Chosen pictures">${this.#pictures.map((picture) => this.#renderPicture(picture))}</ul>`
          : nothing
      }
      ${this.#choosers.map((chooser) => chooser.render())}
      <p class="note${this.#isProblem ? " problem" : ""}" part="note" role="status">${this.#note || this.#leftOut}</p>
      ${host === undefined ? nothing : html`<p class="server" part="server">Questions and pictures are sent to ${host}.</p>`}
      <div class="input-row" part="input-row">
        ${takesPictures ? this.#renderChoosers() : nothing}
        <slot name="attach"></slot>
        <textarea
          class="input" part="input"
          rows="1"
          maxlength="20000"
          enterkeyhint="send"
          dir="auto"
          aria-label="Your question"
          placeholder=${placeholder || DEFAULT_PLACEHOLDER}
          @input=${this.#update}
          @keydown=${this.#onKey}
        ></textarea>
        ${
          isBusy
            ? html`<button class="button stop filled" part="button stop" type="button" aria-label="Stop" title="Stop (Escape)" @click=${() => this.#owner.onStop()}>
                ${STOP_ICON}
              </button>`
            : html`<button class="button send filled" part="button send" type="submit" aria-label="Send" title="Send (Enter)" ?disabled=${this.#question === "" || this.#mustWait}>
                ${SEND_ICON}
              </button>`
        }
      </div>
      ${this.#tokens.render()}
    </form>`;
  }

  #renderChoosers(): TemplateResult {
    return html`<button class="button attach" part="button attach" type="button" aria-label="Add a picture" title="Add a picture, a video or a PDF, or drop or paste one" @click=${this.#openChooser}>
        ${PICTURE_ICON}
      </button>
      <input class="chooser" type="file" accept="image/*,video/*,application/pdf" multiple hidden aria-label="Picture" @change=${this.#onChosen} />
      <button class="button camera" part="button camera" type="button" aria-label="Take a photo" title="Take a photo" @click=${this.#openChooser}>
        ${CAMERA_ICON}
      </button>
      <input class="chooser" type="file" accept="image/*" capture="environment" hidden aria-label="Photo" @change=${this.#onChosen} />`;
  }

  #renderPicture(picture: ChatPicture): TemplateResult {
    return html`<li class="tray-item" part="tray-item" @error=${{ handleEvent: () => this.#refuse(picture), capture: true }}>
      ${picture.view}
      <button class="remove" part="remove" type="button" aria-label="Remove ${picture.name}" title="Remove" @click=${() => this.#drop(picture)}>
        ${REMOVE_ICON}
      </button>
    </li>`;
  }

  get #question(): string {
    return this.#input?.value.trim() ?? "";
  }

  /** True if the question lacks a picture that must come first. */
  get #mustWait(): boolean {
    return this.#needsPicture || this.#reading > 0;
  }

  get #leftOut(): string {
    if (this.#needsPicture && this.#question !== "") return "Add a picture first.";
    if (this.#pictures.length > 0 && !this.#takesPictures) return "This model reads text only and ignores pictures.";
    if (this.#pictures.length <= this.#maxPictures) return "";
    return `This model keeps only ${this.#maxPictures === 1 ? "one picture" : `${this.#maxPictures} pictures`} apart. Remove the others.`;
  }

  #say(note: string, isProblem = false): void {
    this.#note = note;
    this.#isProblem = isProblem;
  }

  #update = (): void => this.#host.requestUpdate();

  #submit = (event: Event): void => {
    event.preventDefault();
    const question = this.#question;
    const input = this.#input;
    if (question === "" || this.#isBusy || this.#mustWait || !input) return;
    const pictures = this.#takesPictures ? this.#pictures : [];
    input.value = "";
    this.#pictures = [];
    this.#say("");
    this.#owner.onQuestion(question, pictures);
    // Send becomes Stop; the user will want to ask again.
    input.focus({ preventScroll: true });
    this.#update();
  };

  #onKey = (event: KeyboardEvent): void => {
    if (!isSendKey(event)) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
  };

  #openChooser = (event: Event): void => {
    ((event.currentTarget as Element).nextElementSibling as HTMLInputElement).click();
  };

  #onChosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    this.#take([...(input.files ?? [])]);
    // Lets the user choose the same file again.
    input.value = "";
    this.focus();
  };

  #onDrag(event: DragEvent): void {
    if (!isTaken(event.dataTransfer)) return;
    // Otherwise the browser leaves the page and shows the file.
    if (event.type !== "dragleave") event.preventDefault();
    const isOver = event.type === "dragover";
    // Moving between two parts of the element also fires dragleave.
    const isInside = event.relatedTarget instanceof Node && this.#host.contains(event.relatedTarget);
    if (event.type === "dragleave" && isInside) return;
    if (isOver !== this.#isDraggedOver) {
      this.#isDraggedOver = isOver;
      this.#update();
    }
    if (event.type === "drop") this.attach(event.dataTransfer);
  }

  async #takeAddress(data: DataTransfer): Promise<void> {
    try {
      this.#take(await droppedFiles(data));
    } catch (error) {
      this.#drop(undefined, errorSentence(error));
    }
  }

  #takeFrom(event: Event, files: readonly File[]): void {
    if (files.length === 0) return;
    event.preventDefault();
    this.#take(files);
  }

  #take(files: readonly File[]): void {
    this.#say("");
    if (holdsModel(files)) this.#owner.onModel(files);
    else
      for (const file of files)
        void (isVideoFile(file) || isPdfFile(file) ? this.#takeParts(file) : this.#takeFile(file));
    this.#update();
  }

  /** Takes pictures of a video or a PDF. Their readers load now. */
  async #takeParts(file: File): Promise<void> {
    const { signal } = this.#leaving;
    this.#reading++;
    this.#say(`Taking pictures of ${nameInText(file.name)}.`);
    try {
      const { partsOf } = await import("./file-parts.ts");
      const { images, note } = await partsOf(file, signal, (chooser) => this.#choose(chooser));
      for (const image of images) this.#add(image);
      this.#say(note);
    } catch (error) {
      this.#say(signal.aborted ? "" : errorSentence(error), !signal.aborted);
    }
    this.#reading--;
    this.#update();
  }

  /** Shows a chooser until it is answered. Resolves with its answer. */
  async #choose(chooser: PageChooser): Promise<string | undefined> {
    this.#choosers = [...this.#choosers, chooser];
    this.#say(chooser.question);
    this.#update();
    const pages = await chooser.answer;
    this.#choosers = this.#choosers.filter((other) => other !== chooser);
    this.focus();
    this.#update();
    return pages;
  }

  /** Takes a file if its bytes are a picture's. One that says so is shown at once, because its question may follow. */
  async #takeFile(file: File): Promise<void> {
    const early = file.type.startsWith("image/") ? this.#add(file) : undefined;
    try {
      const name = nameInText(file.name);
      const header = await measurePicture(name, file);
      if (early) return;
      if (!header) throw undecodable(name, file, header);
      this.#add(file);
    } catch (error) {
      if (!(error instanceof FoveaError)) throw error;
      this.#drop(early, errorSentence(error));
    }
  }

  #add(file: File): ChatPicture {
    const picture = takePicture(file);
    this.#pictures = [...this.#pictures, picture];
    this.#update();
    return picture;
  }

  /** Drops a picture that the browser could not show. */
  async #refuse(picture: ChatPicture): Promise<void> {
    this.#drop(picture, errorSentence(await refusalOf(nameInText(picture.name), picture.image as File)));
  }

  #drop(picture: ChatPicture | undefined, note = ""): void {
    this.#pictures = this.#pictures.filter((other) => other !== picture);
    this.#say(note, note !== "");
    this.#update();
    if (note === "") this.focus();
  }
}
