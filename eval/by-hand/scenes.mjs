// Ten scenes as HTML that the training's generator did not draw: emoji as text, emoji of another vendor, and a few
// shapes by hand. eval.json has the questions; draw.mjs draws the scenes.

/**
 * @typedef {object} Scene
 * @property {string} file name of the picture; its ending gives the format
 * @property {number} width in pixels, as is the height: none is square, or of the size that a model reads
 * @property {number} height
 * @property {string} html
 */

/**
 * An emoji as text.
 * @param {string} emoji
 * @param {number} x of its centre, in percent, as is y
 * @param {number} y
 * @param {number} size in pixels
 * @param {string} [more] CSS
 */
function glyph(emoji, x, y, size, more = "") {
  return `<span style="position:absolute;left:${x}%;top:${y}%;font-size:${size}px;line-height:1;translate:-50% -50%;${more}">${emoji}</span>`;
}

/**
 * One of the drawings in fluent/.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {string} [more] CSS
 */
function fluent(name, x, y, size, more = "") {
  return `<img src="/fluent/${name}.svg" style="position:absolute;left:${x}%;top:${y}%;width:${size}px;translate:-50% -50%;${more}">`;
}

/** @param {string} css */
function backdrop(css) {
  return `<div style="position:absolute;inset:0;background:${css}"></div>`;
}

/**
 * Something like a photograph out of focus: coloured turbulence, lit from one side, with grain.
 * @param {number} seed
 * @param {string} colours values of a feColorMatrix
 */
function photograph(seed, colours) {
  return `<svg style="position:absolute;inset:0" width="100%" height="100%"><filter id="p" x="0" y="0" width="1" height="1">
    <feTurbulence type="fractalNoise" baseFrequency="0.012 0.02" numOctaves="5" seed="${seed}"/><feColorMatrix values="${colours}"/></filter>
    <filter id="g" x="0" y="0" width="1" height="1"><feTurbulence type="fractalNoise" baseFrequency="0.8" numOctaves="2" seed="${seed + 1}"/>
    <feColorMatrix values="0 0 0 0 0.5  0 0 0 0 0.5  0 0 0 0 0.5  0.6 0 0 0 -0.15"/></filter>
    <rect width="100%" height="100%" filter="url(#p)"/><rect width="100%" height="100%" filter="url(#g)"/></svg>
    ${backdrop("radial-gradient(circle at 25% 20%, rgb(255 244 214 / 0.5), transparent 60%)")}`;
}

const WOODS = "0.5 0.2 0 0 0.1  0.3 0.7 0 0 0.05  0.2 0.1 0.2 0 0.02  0 0 0 0 1";
const STREET = "0.6 0.1 0 0 0.2  0.5 0.2 0 0 0.2  0.4 0.2 0.2 0 0.22  0 0 0 0 1";
const SHADOW = "filter:drop-shadow(3px 5px 4px rgb(0 0 0 / 0.5));";

const KEY = `<svg viewBox="0 0 100 100" style="position:absolute;left:18%;top:12%;width:64%;rotate:-35deg" fill="none" stroke="#b8860b" stroke-width="9">
  <circle cx="26" cy="50" r="17"/><path d="M43 50H92M78 50V66M90 50V62"/></svg>`;
const CAR = `<svg viewBox="0 0 120 70" style="position:absolute;left:22%;top:38%;width:52%"><path d="M6 50V34l22-4 14-18h36l16 18 20 5v15z" fill="#c62828"/>
  <path d="M36 29l9-12h13v12zm25-12h14l9 12H61z" fill="#b3e5fc"/><circle cx="30" cy="52" r="11" fill="#222"/><circle cx="92" cy="52" r="11" fill="#222"/>
  <circle cx="30" cy="52" r="5" fill="#bbb"/><circle cx="92" cy="52" r="5" fill="#bbb"/></svg>`;

/** @type {Scene[]} */
export const SCENES = [
  {
    file: "01.png",
    width: 317,
    height: 241,
    html:
      backdrop("conic-gradient(from 40deg, #f7c6a3, #a3d5f7, #c9f7a3, #f7c6a3)") +
      glyph("🐧", 46, 52, 163, "rotate:-17deg;"),
  },
  {
    file: "02.png",
    width: 373,
    height: 229,
    html:
      backdrop("radial-gradient(circle at 70% 30%, #5b2c6f, #17202a)") +
      glyph("🍌", 17, 60, 71) +
      glyph("🍌", 48, 35, 97, "rotate:40deg;") +
      glyph("🍌", 81, 63, 83, "scale:-1 1;"),
  },
  {
    file: "03.jpg",
    width: 353,
    height: 263,
    html: photograph(3, STREET) + glyph("🐱", 25, 58, 109, SHADOW) + glyph("🚗", 74, 55, 119, SHADOW),
  },
  {
    file: "04.png",
    width: 251,
    height: 331,
    html: backdrop("repeating-linear-gradient(70deg, #dfe6e9 0 22px, #b2bec3 22px 44px)") + glyph("🚀", 78, 17, 79),
  },
  { file: "05.png", width: 283, height: 271, html: backdrop("#e9dcc3") + fluent("dog", 53, 49, 173, "rotate:6deg;") },
  {
    file: "06.jpg",
    width: 401,
    height: 277,
    html: photograph(11, WOODS) + fluent("elephant", 29, 45, 157, SHADOW) + fluent("turtle", 76, 66, 113, SHADOW),
  },
  {
    file: "07.png",
    width: 331,
    height: 257,
    html:
      backdrop("linear-gradient(200deg, #ffeaa7, #fab1a0 60%, #e17055)") +
      fluent("pineapple", 27, 50, 149) +
      fluent("guitar", 73, 48, 157, "rotate:12deg;"),
  },
  {
    file: "08.png",
    width: 313,
    height: 283,
    html:
      backdrop("repeating-radial-gradient(ellipse at 50% -40%, #1f6f9f 0 9px, #2b83b5 9px 19px)") +
      fluent("sailboat", 47, 50, 139),
  },
  { file: "09.png", width: 263, height: 241, html: backdrop("linear-gradient(#f5f6fa, #dcdde1)") + KEY },
  {
    file: "10.png",
    width: 347,
    height: 233,
    html: backdrop("linear-gradient(#74b9ff 0 62%, #55a14a 62%)") + CAR,
  },
];
