/** An answer's statistics as small bars: time, tokens, memory. */
import { css, html, LitElement, nothing } from "lit";
import type { GenerationStats, PictureCost } from "../../api.ts";
import { byteText, durationText } from "../../element/wording.ts";
import { base } from "./base.ts";

interface Row {
  name: string;
  value: string;
  /** Share of the bar's width, in [0, 1]; undefined for no bar. */
  share?: number;
}

export class Statistics extends LitElement {
  static override properties = { stats: { attribute: false }, slowestMs: { attribute: false } };
  declare stats: GenerationStats;
  declare slowestMs: number;

  static override styles = [
    base,
    css`
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr));
        gap: 0.6rem 1rem;
        /* A name of two lines leaves the bars of its row level. */
        align-items: end;
        margin: 0;
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
      }
      dt {
        color: var(--soft);
      }
      dd {
        margin: 0;
        font-weight: 600;
      }
      svg {
        display: block;
        width: 100%;
        height: 5px;
        margin-top: 0.2rem;
        border-radius: 3px;
        background: var(--well);
      }
      rect {
        fill: var(--accent);
      }
    `,
  ];

  override render() {
    return html`<dl aria-label="Statistics">${this.#rows().map(
      ({ name, value, share }) => html`<div>
        <dt>${name}</dt>
        <dd>
          ${value}
          ${
            share === undefined
              ? nothing
              : html`<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                  <rect width=${100 * Math.min(1, share)} height="4"></rect>
                </svg>`
          }
        </dd>
      </div>`,
    )}</dl>`;
  }

  #rows(): Row[] {
    const { pictures, imageTokensBefore, imageTokensAfter, promptTokens, newTokens, ...stats } = this.stats;
    const scale = Math.max(1e-9, this.slowestMs);
    const time = (name: string, ms: number): Row => ({ name, value: durationText(ms), share: ms / scale });
    const perToken = stats.decodeMs / Math.max(1, newTokens - 1);
    const rows: (Row | undefined)[] = [
      imageTokensBefore > 0
        ? tokens(`Image tokens${viewsText(pictures)}`, imageTokensAfter, imageTokensBefore)
        : undefined,
      ...(pictures.length > 1 ? pictures.map(pictureRow) : []),
      stats.compileMs > 0 ? time("Preparing the GPU", stats.compileMs) : undefined,
      imageTokensBefore > 0 ? time("Vision", stats.visionMs) : undefined,
      time(stats.server ? "Until the first word" : `Prefill, ${promptTokens} tokens`, stats.prefillMs),
      time(`Answer, ${newTokens} tokens`, stats.decodeMs),
      { name: "Per token", value: `${durationText(perToken)}, ${stats.tokensPerSecond.toFixed(1)}/s` },
      { name: "First word after", value: durationText(stats.timeToFirstTokenMs) },
      stats.server ? undefined : { name: "GPU memory", value: byteText(stats.gpuBytes) },
    ];
    return rows.filter((row) => row !== undefined);
  }
}

/** The cost of one of several pictures. */
function pictureRow(picture: PictureCost, index: number): Row {
  return tokens(`Picture ${index + 1}${viewsText([picture])}`, picture.tokensAfter, picture.tokensBefore);
}

/** ", 13 views" for one picture that the model saw in several; "" for any other list. */
function viewsText(pictures: readonly PictureCost[]): string {
  const [first] = pictures;
  return pictures.length === 1 && first!.views > 1 ? `, ${first!.views} views` : "";
}

function tokens(name: string, after: number, before: number): Row {
  return { name, value: `${after} of ${before}`, share: after / before };
}
