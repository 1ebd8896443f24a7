/** The part of the page where a picture is chosen, dropped or pasted. Decoding it is the engine's. */
import { byId } from "./dom.ts";

const INVITATION = "or drop or paste one here";

export class PicturePanel {
  readonly #drop = byId("picture-drop", HTMLDivElement);
  readonly #preview = byId("picture-preview", HTMLImageElement);
  readonly #remove = byId("picture-remove", HTMLButtonElement);
  readonly #name = byId("picture-name", HTMLSpanElement);
  readonly #error = byId("picture-error", HTMLParagraphElement);
  readonly #onChange: () => void;
  #picture: File | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    const input = byId("picture-input", HTMLInputElement);
    byId("picture-choose", HTMLButtonElement).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.#take(input.files);
      input.value = "";
    });
    this.#remove.addEventListener("click", () => {
      this.#set(undefined);
      byId("picture-choose", HTMLButtonElement).focus();
    });
    this.#preview.addEventListener("error", () => {
      if (this.#picture) this.#error.textContent = `${this.#picture.name} cannot be shown; is it a picture?`;
    });
    document.addEventListener("paste", ({ clipboardData }) => {
      if (clipboardData?.files.length) this.#take(clipboardData.files);
    });
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.#drop.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.#drop.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      this.#drop.classList.remove("over");
      if (!event.dataTransfer?.files.length) return;
      // Without this the browser leaves the page and shows the file.
      event.preventDefault();
      this.#take(event.dataTransfer.files);
    });
  }

  get picture(): File | undefined {
    return this.#picture;
  }

  #take(files: FileList | null): void {
    const pictures = [...(files ?? [])].filter(({ type }) => type.startsWith("image/"));
    if (pictures[0]) this.#set(pictures[0]);
    else if (files?.length) this.#error.textContent = `${files[0]!.name} is not a picture.`;
  }

  #set(picture: File | undefined): void {
    this.#picture = picture;
    this.#error.textContent = "";
    if (this.#preview.src) URL.revokeObjectURL(this.#preview.src);
    if (picture) this.#preview.src = URL.createObjectURL(picture);
    else this.#preview.removeAttribute("src");
    this.#preview.alt = picture ? `The chosen picture, ${picture.name}` : "";
    this.#preview.hidden = !picture;
    this.#remove.hidden = !picture;
    this.#name.textContent = picture?.name ?? INVITATION;
    this.#onChange();
  }
}
