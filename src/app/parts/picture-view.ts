/** A picture with its tokens or an answer's gaze drawn over it. The numbers come from logic/. */
import { css, html, LitElement, nothing, svg } from "lit";
import { type Rectangle, squareAt, squareOnPicture } from "../../image/geometry.ts";
import { clusterColours, type Thumbnail, thumbnailOf } from "../logic/cluster-colours.ts";
import { heatAddress } from "../logic/heat-picture.ts";
import { cellGrid, countsText, countTokens, type Piece, piecesText, viewOnPicture } from "../logic/overlay.ts";
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
    thumbnail: { state: true },
  };
  declare viewed: Viewed;
  declare pointed: Pointed | undefined;
  /** Of the picture, once it is decoded. */
  declare thumbnail: Thumbnail | undefined;
  /** The address that `thumbnail` is of. */
  #address = "";

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
      .heat {
        mix-blend-mode: screen;
      }
      .veil {
        fill: #05060a;
        fill-opacity: 0.35;
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

  protected override willUpdate(): void {
    const url = this.viewed.picture?.url ?? "";
    if (url === this.#address) return;
    this.#address = url;
    this.thumbnail = undefined;
    const image = new Image();
    image.src = url;
    void image.decode().then(
      () => {
        if (this.#address === url) this.thumbnail = thumbnailOf(image);
      },
      () => {},
    );
  }

  override render() {
    const { picture } = this.viewed;
    if (!picture) return html`<figure><div class="empty">No picture yet.</div></figure>`;
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
    const drawn = shown.map((one, index) =>
      look ? this.#gaze(one, picture) : this.#tokens(one, index, picture, line),
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
  #gaze(one: ShownView, picture: PictureItem) {
    const { view, map } = one;
    const { inhibited } = this.viewed.look!;
    const grid = cellGrid(view);
    const { 0: scaleX = 1, 3: scaleY = 1, 4: x = 0, 5: y = 0 } = grid.toPicture;
    const hatches = Array.from(map.tokenOf, (token, cell) => {
      const share = token < 0 ? 0 : (inhibited[view.columns[token] ?? -1] ?? 0);
      if (share < MOST) return nothing;
      return rectangle("inhibited", squareOnPicture(grid, cell, picture), {
        fill: "url(#hatch)",
        opacity: 0.5 * share,
      });
    });
    return svg`<image class="heat" href=${heatAddress(one, this.viewed.look!)} x=${x} y=${y}
        width=${scaleX * grid.cols * (grid.across ?? grid.side)} height=${scaleY * grid.rows * grid.side} preserveAspectRatio="none"></image>
      ${hatches}`;
  }

  /** Dropped cells dark, merged ones in the mean colour of what became one token. */
  #tokens(one: ShownView, index: number, picture: PictureItem, line: number) {
    if (this.viewed.stage === 0) return nothing;
    const { view, map } = one;
    const colours = this.thumbnail && clusterColours(one, picture, this.thumbnail);
    const grid = cellGrid(view);
    const { pointed } = this;
    const pointedToken = pointed?.view === index ? (map.tokenOf[pointed.cell] ?? -1) : -1;
    return Array.from(map.tokenOf, (token, cell) => {
      const place = squareOnPicture(grid, cell, picture);
      if (token < 0) return rectangle("dropped", place);
      const isMerged = map.cellsOf[token]!.length > 1;
      const fill = isMerged ? rectangle("merged", place, { fill: colours?.[token] ?? "none" }) : nothing;
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
    const piece: Piece = shown[0]!.view.cell === 1 && !shown[0]!.view.strip ? "patch" : "cell";
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
