/** Takes a photo with the device's camera. The camera is on only while this part is on the page. */
import { css, html, LitElement, nothing } from "lit";
import { base } from "./base.ts";

export class Camera extends LitElement {
  static override properties = { stream: { state: true }, isShown: { state: true }, problem: { state: true } };
  declare stream: MediaStream | undefined;
  /** Whether the video has its first frame, so that a photo can be taken. */
  declare isShown: boolean;
  declare problem: string;

  static override styles = [
    base,
    css`
      video {
        display: block;
        width: 100%;
        max-height: 60vh;
        border-radius: 0.5rem;
        background: #000;
      }
    `,
  ];

  constructor() {
    super();
    this.isShown = false;
    this.problem = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  override render() {
    return html`<div class="stack">
      <video autoplay playsinline muted aria-label="Camera preview" .srcObject=${this.stream ?? null}
        @loadeddata=${() => {
          this.isShown = true;
        }}></video>
      ${this.problem ? html`<p class="error" role="alert">${this.problem}</p>` : nothing}
      <div class="row">
        <button class="primary" ?disabled=${!this.isShown} @click=${() => this.#take()}>Take the photo</button>
        <button @click=${() => this.renderRoot.querySelector("input")!.click()}>Use the phone’s camera app</button>
        <input type="file" accept="image/*" capture="environment" hidden aria-label="Photo"
          @change=${(event: Event) => this.#done((event.target as HTMLInputElement).files?.[0])} />
      </div>
    </div>`;
  }

  async #start(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" } } });
      // The dialog may be closed by now.
      if (this.isConnected) this.stream = stream;
      else for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      const isRefused = error instanceof DOMException && error.name === "NotAllowedError";
      this.problem = isRefused
        ? "The browser blocks the camera; allow it in the address bar, or choose a file."
        : "No camera found; choose a file instead.";
    }
  }

  #stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
  }

  async #take(): Promise<void> {
    const video = this.renderRoot.querySelector("video")!;
    // While a stream starts, Chromium may fall back to a size of 0 x 0 for some 50 ms, and then announces the size again.
    while (video.videoWidth === 0)
      await new Promise((resolve) => video.addEventListener("resize", resolve, { once: true }));
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    canvas.toBlob(
      (blob) => {
        if (blob) this.#done(new File([blob], "Photo.jpg", { type: blob.type }));
        else this.problem = "The camera gave no picture; try again, or choose a file.";
      },
      "image/jpeg",
      0.95,
    );
  }

  #done(file: File | undefined): void {
    if (!file) return;
    this.#stop();
    this.dispatchEvent(new CustomEvent<File>("photograph", { detail: file }));
  }
}
