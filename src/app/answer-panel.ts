/** The part of the page that shows an answer as it comes: text or classes, statistics, errors. */
import { byId, byteText, durationText, make } from "./dom.ts";
import { errorText, type GenerationEvent, type GenerationStats, type ImageFeatures, type Model } from "./engine.ts";

const SHOWN_CLASSES = 5;

export interface Question {
  text: string;
  picture: File | undefined;
  signal: AbortSignal;
}

export class AnswerPanel {
  readonly #answer = byId("answer", HTMLDivElement);
  readonly #error = byId("answer-error", HTMLParagraphElement);
  readonly #statistics = byId("statistics", HTMLDListElement);

  /** Asks, and shows what comes back; never throws. A classifier looks at the picture alone. */
  async ask(model: Model, { text, picture, signal }: Question): Promise<void> {
    this.clear();
    // Read out as a whole, not word by word.
    this.#answer.ariaBusy = "true";
    try {
      if (isClassifier(model)) this.#showClasses(await model.encodeImage(picture!, { signal }));
      else {
        const image = picture ? [{ type: "image" as const, image: picture }] : [];
        const content = [...image, { type: "text" as const, text }];
        for await (const event of model.generate({ messages: [{ role: "user", content }], signal })) this.#show(event);
      }
    } catch (error) {
      this.#error.textContent = errorText(error) ?? "";
    } finally {
      this.#answer.ariaBusy = "false";
    }
  }

  clear(): void {
    for (const part of [this.#answer, this.#error, this.#statistics]) part.replaceChildren();
  }

  #show(event: GenerationEvent): void {
    if (event.type === "text") this.#answer.append(event.text);
    if (event.type === "done") {
      if (event.reason === "abort") this.#answer.append(make("em", " (stopped)"));
      if (event.reason === "length") this.#answer.append(make("em", " (cut at the longest answer)"));
      this.#showNumbers(generationNumbers(event.stats));
    }
  }

  #showClasses({ classes = [], features, milliseconds }: ImageFeatures): void {
    const rows = classes.slice(0, SHOWN_CLASSES).map(({ label, probability }) => {
      const bar = make("meter");
      bar.value = probability;
      bar.ariaLabel = label;
      return make("li", bar, ` ${(100 * probability).toFixed(1)} % ${label}`);
    });
    this.#answer.append(rows.length > 0 ? make("ol", ...rows) : "This model has no classes to tell.");
    this.#showNumbers({ "Image tokens": String(features.rows), Picture: durationText(milliseconds) });
  }

  #showNumbers(numbers: Record<string, string>): void {
    for (const [name, value] of Object.entries(numbers))
      this.#statistics.append(make("div", make("dt", name), make("dd", value)));
  }
}

/** Whether a model answers with classes, not with text. */
export function isClassifier(model: Model): boolean {
  return model.info.contextLength === 0;
}

function generationNumbers(stats: GenerationStats): Record<string, string> {
  return {
    ...(stats.imageTokensBefore > 0 && {
      "Image tokens": `${stats.imageTokensAfter} of ${stats.imageTokensBefore}`,
      Picture: durationText(stats.visionMs),
    }),
    Prompt: `${stats.promptTokens} tokens, ${durationText(stats.prefillMs)}`,
    "First word": durationText(stats.timeToFirstTokenMs),
    Answer: `${stats.newTokens} tokens, ${stats.tokensPerSecond.toFixed(1)} a second`,
    "GPU memory": byteText(stats.gpuBytes),
  };
}
