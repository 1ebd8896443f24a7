/** A picture as the model sees it, with its tokens or an answer's gaze drawn over it. Draws; what to draw is in logic/. */
import { css, html, LitElement, nothing, svg } from "lit";
import type { ModelInfo } from "../../api.ts";
import { modelToPicture, planResize } from "../../image/geometry.ts";
import { countsText, countTokens } from "../logic/overlay.ts";
import type { PictureItem } from "../logic/state.ts";
import type { Viewed } from "../logic/viewing.ts";
import { base } from "./base.ts";

/** Share of layers and tokens from which on attention counts as inhibited. */
const MOST = 0.5;

/** The model's square, in pixels of the picture. */
interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

export class PictureView extends LitElement {
  static override properties = {
    viewed: { attribute: false },
    info: { attribute: false },
    pointed: { state: true },
  };
  declare viewed: Viewed;
  declare info: ModelInfo | undefined;
  /** Patch under the pointer. */
  declare pointed: number | undefined;

  static override styles = [
    base,
    css`
      figure {
        margin: 0;
        overflow: hidden;
        border-radius: 0.5rem;
        background: var(--well);
      }
      svg {
        display: block;
        width: 100%;
        max-height: min(60vh, 34rem);
      }
      @media (max-width: 40rem) {
        svg {
          max-height: 42vh;
        }
      }
      figcaption {
        padding: 0.45rem 0.7rem;
        color: var(--soft);
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
      }
      .dropped {
        fill: #05060a;
        fill-opacity: 0.8;
      }
      .merged {
        fill-opacity: 0.5;
        stroke: #fff;
        stroke-opacity: 0.35;
      }
      .heat {
        fill: #ff7a1a;
      }
      .veil {
        fill: #05060a;
        fill-opacity: 0.5;
      }
      .pointed {
        fill: none;
        stroke: #fff;
      }
      .empty {
        display: grid;
        place-items: center;
        min-height: 12rem;
        padding: 1rem;
        color: var(--soft);
        text-align: center;
      }
    `,
  ];

  override render() {
    const { picture } = this.viewed;
    if (!picture)
      return html`<figure><div class="empty">Add a picture to ask about: a file, a photograph, or a scene of your own.</div></figure>`;
    const frame = frameOf(picture, this.info);
    const { x, y, width, height } = frame;
    return html`<figure>
      <svg
        viewBox="${x} ${y} ${width} ${height}"
        role="img"
        aria-label=${`${picture.name}. ${this.#caption()}`}
        @pointermove=${(event: PointerEvent) => this.#point(event, frame)}
        @pointerleave=${() => {
          this.pointed = undefined;
        }}
      >
        <rect x=${x} y=${y} width=${width} height=${height} fill="#7a7468"></rect>
        <image href=${picture.url} width=${picture.width} height=${picture.height} preserveAspectRatio="none"></image>
        ${this.#overlay(frame)}
      </svg>
      <figcaption>${this.#caption()}</figcaption>
    </figure>`;
  }

  #overlay(frame: Frame) {
    const { map, image, look, stage } = this.viewed;
    if (!map || !image) return nothing;
    const side = Math.floor(Math.sqrt(image.patches));
    const cell = { width: frame.width / side, height: frame.height / side };
    const rect = (patch: number, className: string, more: Record<string, string | number> = {}) => svg`<rect
        class=${className}
        x=${frame.x + (patch % side) * cell.width}
        y=${frame.y + Math.floor(patch / side) * cell.height}
        width=${cell.width}
        height=${cell.height}
        fill=${more.fill ?? nothing}
        fill-opacity=${more.opacity ?? nothing}
        stroke-width=${more.stroke ?? nothing}
      ></rect>`;
    const patches = Array.from(map.tokenOf, (token, patch) => ({ token, patch }));
    const line = frame.width / 400;
    if (look) {
      return svg`
        <defs>
          <pattern id="hatch" width=${4 * line} height=${4 * line} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width=${1.6 * line} height=${4 * line} fill="#7dd3fc"></rect>
          </pattern>
        </defs>
        <rect class="veil" x=${frame.x} y=${frame.y} width=${frame.width} height=${frame.height}></rect>
        ${patches.filter(({ token }) => token >= 0).map(({ token, patch }) => rect(patch, "heat", { opacity: 0.85 * (look.heat[token] ?? 0) }))}
        ${patches.filter(({ token }) => (look.inhibited[token] ?? 0) >= MOST).map(({ token, patch }) => rect(patch, "inhibited", { fill: "url(#hatch)", opacity: 0.75 * look.inhibited[token]! }))}`;
    }
    if (stage === 0) return nothing;
    const pointedToken = this.pointed === undefined ? -1 : (map.tokenOf[this.pointed] ?? -1);
    return patches.map(({ token, patch }) => {
      if (token < 0) return rect(patch, "dropped");
      const isMerged = map.patchesOf[token]!.length > 1;
      const fill = isMerged ? rect(patch, "merged", { fill: tint(token), stroke: line }) : nothing;
      return token === pointedToken ? [fill, rect(patch, "pointed", { stroke: 3 * line })] : fill;
    });
  }

  #caption(): string {
    const { map, look, words, stage, stages } = this.viewed;
    if (look) {
      const inhibited = look.inhibited.filter((share) => share >= MOST).length;
      return `“${words}”: bright is where it looked, hatched what was inhibited (${inhibited} of ${look.heat.length} tokens).`;
    }
    if (!map || stages === 0)
      return this.viewed.image ? `${this.viewed.image.tokens} tokens, none merged` : this.#size();
    const token = this.pointed === undefined ? undefined : map.tokenOf[this.pointed];
    if (token !== undefined && stage > 0)
      return token < 0
        ? "This patch was dropped."
        : `Token ${token + 1} is ${map.patchesOf[token]!.length === 1 ? "this patch" : `merged from ${map.patchesOf[token]!.length} patches`}.`;
    return stage === 0
      ? `${map.tokenOf.length} patches enter`
      : `Stage ${stage} of ${stages}: ${countsText(countTokens(map))}`;
  }

  #size(): string {
    const { width, height } = this.viewed.picture!;
    const patches = this.info?.imageTokens;
    return `${width} × ${height} pixels${patches ? `; the model sees ${patches} patches` : ""}`;
  }

  #point(event: PointerEvent, frame: Frame): void {
    const { image } = this.viewed;
    const view = event.currentTarget as SVGSVGElement;
    const matrix = view.getScreenCTM();
    if (!image || !matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const side = Math.floor(Math.sqrt(image.patches));
    const column = Math.floor(((at.x - frame.x) / frame.width) * side);
    const row = Math.floor(((at.y - frame.y) / frame.height) * side);
    const isInside = column >= 0 && column < side && row >= 0 && row < side;
    this.pointed = isInside ? row * side + column : undefined;
  }
}

/** What the model's square is on the picture; for one that reads no pictures, the picture. */
function frameOf({ width, height }: PictureItem, info: ModelInfo | undefined): Frame {
  if (!info?.imageFit) return { x: 0, y: 0, width, height };
  const { mode, shortestEdge } = info.imageFit;
  const size = info.imageSize;
  const plan = planResize({ mode, size, ...(shortestEdge !== undefined && { shortestEdge }) }, width, height);
  const [scaleX, , , scaleY, x, y] = modelToPicture(plan) as [number, number, number, number, number, number];
  return { x, y, width: scaleX * size, height: scaleY * size };
}

/** Neighbouring numbers get hues that are far apart. */
function tint(token: number): string {
  return `hsl(${(token * 137.5) % 360} 85% 55%)`;
}
