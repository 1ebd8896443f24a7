/** A picture with its tokens or an answer's gaze drawn over it, where the model has them. The numbers come from logic/. */
import { css, html, LitElement, nothing, svg } from "lit";
import { type Rectangle, squareAt, squareOnPicture } from "../../image/geometry.ts";
import {
  cellGrid,
  clusterNumbers,
  countsText,
  countTokens,
  type Piece,
  piecesText,
  viewOnPicture,
} from "../logic/overlay.ts";
import type { PictureItem } from "../logic/state.ts";
import type { ShownView, Viewed } from "../logic/viewing.ts";
import { base } from "./base.ts";

/** Share of layers and tokens from which on attention counts as inhibited. */
const MOST = 0.5;

/** A cell under the pointer. */
interface Pointed {
  /** Index among the views that are shown. */
  view: number;
  cell: number;
}

export class PictureView extends LitElement {
  static override properties = {
    viewed: { attribute: false },
    pointed: { state: true },
  };
  declare viewed: Viewed;
  declare pointed: Pointed | undefined;

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
      .pointed,
      .view {
        fill: none;
        stroke: #fff;
      }
      .view {
        stroke-opacity: 0.6;
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
    const { width, height } = picture;
    return html`<figure>
      <svg
        viewBox="0 0 ${width} ${height}"
        role="img"
        aria-label=${`${picture.name}. ${this.#caption()}`}
        @pointermove=${this.#point}
        @pointerleave=${() => {
          this.pointed = undefined;
        }}
      >
        <image href=${picture.url} width=${width} height=${height} preserveAspectRatio="none"></image>
        ${this.#overlay(picture)}
      </svg>
      <figcaption>${this.#caption()}</figcaption>
    </figure>`;
  }

  #overlay(picture: PictureItem) {
    const { shown, look } = this.viewed;
    const line = picture.width / 400;
    const isPart = ({ view }: ShownView) => {
      const { width, height } = viewOnPicture(view, picture);
      return width < 0.99 * picture.width || height < 0.99 * picture.height;
    };
    const clusters = clusterNumbers(shown.map(({ map }) => map));
    const drawn = shown.map((one, index) =>
      look ? this.#gaze(one, picture) : this.#tokens(one, index, clusters[index]!, picture, line),
    );
    const outlines = shown
      .filter(isPart)
      .map(({ view }) => rectangle("view", viewOnPicture(view, picture), { stroke: line }));
    if (!look) return [drawn, outlines];
    return svg`
      <defs>
        <pattern id="hatch" width=${4 * line} height=${4 * line} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width=${1.6 * line} height=${4 * line} fill="#7dd3fc"></rect>
        </pattern>
      </defs>
      ${rectangle("veil", { x: 0, y: 0, width: picture.width, height: picture.height })}
      ${drawn} ${outlines}`;
  }

  /** Where the words looked: bright by attention, hatched where it was inhibited. */
  #gaze({ view, map }: ShownView, picture: PictureItem) {
    const { heat, inhibited } = this.viewed.look!;
    const grid = cellGrid(view);
    return Array.from(map.tokenOf, (token, cell) => {
      if (token < 0) return nothing;
      const place = squareOnPicture(grid, cell, picture);
      const column = view.columns[token] ?? -1;
      const share = inhibited[column] ?? 0;
      const hatch =
        share >= MOST ? rectangle("inhibited", place, { fill: "url(#hatch)", opacity: 0.75 * share }) : nothing;
      return [rectangle("heat", place, { opacity: 0.85 * (heat[column] ?? 0) }), hatch];
    });
  }

  /** Dropped cells dark, merged ones in the colour of their cluster. */
  #tokens(
    { view, map }: ShownView,
    index: number,
    clusters: readonly (number | undefined)[],
    picture: PictureItem,
    line: number,
  ) {
    if (this.viewed.stage === 0) return nothing;
    const grid = cellGrid(view);
    const { pointed } = this;
    const pointedToken = pointed?.view === index ? (map.tokenOf[pointed.cell] ?? -1) : -1;
    return Array.from(map.tokenOf, (token, cell) => {
      const place = squareOnPicture(grid, cell, picture);
      if (token < 0) return rectangle("dropped", place);
      const cluster = clusters[token];
      const fill = cluster === undefined ? nothing : rectangle("merged", place, { fill: tint(cluster), stroke: line });
      return token === pointedToken ? [fill, rectangle("pointed", place, { stroke: 3 * line })] : fill;
    });
  }

  #caption(): string {
    const { shown, image, look, words, stage, stages, layers } = this.viewed;
    if (look) {
      const inhibited = look.inhibited.filter((share) => share >= MOST).length;
      return `“${words}”: bright is where it looked, hatched what was inhibited (${inhibited} of ${look.heat.length} tokens).`;
    }
    if (shown.length === 0 || stages === 0) {
      if (!image) return this.#size();
      return `${image.tokens} tokens${layers.length > 0 ? ` in ${image.views.length} views` : ""}, none merged`;
    }
    const piece: Piece = shown[0]!.view.cell === 1 ? "patch" : "cell";
    const { pointed } = this;
    const map = pointed && shown[pointed.view]?.map;
    const token = pointed && map?.tokenOf[pointed.cell];
    if (map && token !== undefined && stage > 0) {
      if (token < 0) return `This ${piece} was dropped.`;
      const { length } = map.cellsOf[token]!;
      const name = `Token ${token + 1}${shown.length > 1 ? " of this tile" : ""}`;
      return `${name} is ${length === 1 ? `this ${piece}` : `merged from ${piecesText(length, piece)}`}.`;
    }
    const maps = shown.map(({ map }) => map);
    return stage === 0
      ? `${piecesText(
          maps.reduce((sum, { tokenOf }) => sum + tokenOf.length, 0),
          piece,
        )} enter`
      : `Stage ${stage} of ${stages}: ${countsText(countTokens(maps), piece)}`;
  }

  #size(): string {
    const { width, height } = this.viewed.picture!;
    return `${width} × ${height} pixels`;
  }

  #point(event: PointerEvent): void {
    const matrix = (event.currentTarget as SVGSVGElement).getScreenCTM();
    if (!matrix) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const cells = this.viewed.shown.map(({ view }) => squareAt(cellGrid(view), x, y));
    const view = cells.findIndex((cell) => cell !== undefined);
    this.pointed = view < 0 ? undefined : { view, cell: cells[view]! };
  }
}

function rectangle(
  className: string,
  { x, y, width, height }: Rectangle,
  look: { fill?: string; opacity?: number; stroke?: number } = {},
) {
  return svg`<rect
      class=${className}
      x=${x}
      y=${y}
      width=${width}
      height=${height}
      fill=${look.fill ?? nothing}
      fill-opacity=${look.opacity ?? nothing}
      stroke-width=${look.stroke ?? nothing}
    ></rect>`;
}

/** Neighbouring numbers get hues that are far apart. */
function tint(cluster: number): string {
  return `hsl(${(cluster * 137.5) % 360} 85% 55%)`;
}
