/**
 * The device's camera: takes a photo, or answers a question about what it sees now, again and again. The camera is on
 * only while this part is on the page and the page can be seen.
 */
import { css, html, LitElement, nothing } from "lit";
import { durationText, errorSentence, isAbort } from "../../element/wording.ts";
import type { App } from "../logic/app.ts";
import type { LiveAnswer } from "../logic/live.ts";
import { base } from "./base.ts";

const QUESTION = "What do you see now?";

export class Camera extends LitElement {
  static override properties = {
    app: { attribute: false },
    stream: { state: true },
    isShown: { state: true },
    problem: { state: true },
    live: { state: true },
    answer: { state: true },
    lastTime: { state: true },
    note: { state: true },
  };
  declare app: App;
  declare stream: MediaStream | undefined;
  /** True if the video has its first frame, so that a photo can be taken. */
  declare isShown: boolean;
  declare problem: string;
  /** Ends the live answers; undefined while there are none. */
  declare live: AbortController | undefined;
  declare answer: LiveAnswer | undefined;
  /** Number and time of the last whole answer: it stays while the next one is written. */
  declare lastTime: string;
  /** Why the live answers ended by themselves. */
  declare note: string;

  static override styles = [
    base,
    css`
      video {
        display: block;
        width: 100%;
        max-height: 50vh;
        border-radius: 0.5rem;
        background: #000;
      }
      .question {
        display: grid;
        gap: 0.25rem;
      }
      .answer {
        min-height: 3.5rem;
        font-size: 1.125rem;
        overflow-wrap: anywhere;
      }
    `,
  ];

  constructor() {
    super();
    this.isShown = false;
    this.problem = "";
    this.lastTime = "";
    this.note = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#onVisibility);
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#stop();
  }

  override render() {
    const { live, problem, isShown } = this;
    return html`<div class="stack">
      <video autoplay playsinline muted aria-label="Camera preview" .srcObject=${this.stream ?? null}
        @loadeddata=${() => {
          this.isShown = true;
        }}></video>
      ${problem ? html`<p class="error" role="alert">${problem}</p>` : nothing}
      <div class="row">
        <button class="primary" ?disabled=${!isShown} @click=${() => this.#photograph()}>Take the photo</button>
        <button @click=${() => this.renderRoot.querySelector<HTMLInputElement>(".file")!.click()}>Use the phone’s camera app</button>
        <input class="file" type="file" accept="image/*" capture="environment" hidden aria-label="Photo"
          @change=${(event: Event) => this.#done((event.target as HTMLInputElement).files?.[0])} />
      </div>
      <label class="question">Or ask about what it sees, again and again
        <input class="live-question" type="text" maxlength="500" .value=${QUESTION} ?disabled=${live !== undefined} /></label>
      <div class="row">
        <button class="live" aria-pressed=${live ? "true" : "false"} ?disabled=${!isShown} @click=${() => (live ? this.#endLive() : void this.#beginLive())}>${live ? "Stop" : "Ask live"}</button>
        <span class="soft" role="status">${this.#status}</span>
      </div>
      ${this.answer || live ? html`<p class="answer" aria-live="polite" aria-busy=${this.answer?.milliseconds === undefined}>${this.answer?.text.trim()}</p>` : nothing}
    </div>`;
  }

  get #status(): string {
    const { answer, live, lastTime, note } = this;
    if (note !== "") return note;
    if (!live) return "";
    return answer ? lastTime : "Looking";
  }

  async #start(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" } } });
      // The dialog may be closed by now, or the page hidden.
      if (this.isConnected && !document.hidden) this.stream = stream;
      else for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      const isRefused = error instanceof DOMException && error.name === "NotAllowedError";
      this.problem = isRefused
        ? "The browser blocks the camera; allow it in the address bar, or choose a file."
        : "No camera found; choose a file instead.";
    }
  }

  #stop(): void {
    this.#endLive();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
    this.isShown = false;
  }

  #onVisibility = (): void => {
    if (!document.hidden) void this.#start();
    else {
      const wasLive = this.live !== undefined;
      this.#stop();
      if (wasLive) this.note = "Stopped, because the page was hidden.";
    }
  };

  async #beginLive(): Promise<void> {
    const live = new AbortController();
    const written = this.renderRoot.querySelector<HTMLInputElement>(".live-question")!.value.trim();
    Object.assign(this, { live, answer: undefined, lastTime: "", problem: "", note: "" });
    try {
      await this.app.watch({
        question: written || QUESTION,
        take: async () => createImageBitmap(await this.#frame()),
        onAnswer: (answer) => {
          if (live.signal.aborted) return;
          this.answer = answer;
          if (answer.milliseconds !== undefined)
            this.lastTime = `Answer ${answer.number}, in ${durationText(answer.milliseconds)}`;
        },
        signal: live.signal,
      });
    } catch (error) {
      if (!isAbort(error)) this.problem = errorSentence(error);
    }
    if (this.live === live) this.live = undefined;
  }

  #endLive(): void {
    this.live?.abort();
    this.live = undefined;
  }

  /** The video as it is now. */
  async #frame(): Promise<HTMLCanvasElement> {
    const video = this.renderRoot.querySelector("video")!;
    // While a stream starts, Chromium may fall back to a size of 0 x 0 for some 50 ms, and then announces the size again.
    while (video.videoWidth === 0)
      await new Promise((resolve) => video.addEventListener("resize", resolve, { once: true }));
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    return canvas;
  }

  async #photograph(): Promise<void> {
    const canvas = await this.#frame();
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
