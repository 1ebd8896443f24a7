/** A scene as data: emoji on a background. The demo model was trained on these kinds and backgrounds. */

/** Lengths are shares of the picture's side; the angle is in degrees, clockwise. */
export interface Thing {
  id: number;
  kind: Kind;
  /** Position of the centre. */
  x: number;
  y: number;
  size: number;
  angle: number;
}

export interface Scene {
  background: Background;
  things: readonly Thing[];
}

export interface Kind {
  name: string;
  category: string;
  emoji: string;
}

export const BACKGROUNDS = ["sky", "grass", "water", "sand", "night", "room"] as const;
export type Background = (typeof BACKGROUNDS)[number];

/** The model was trained on at most this many. */
export const MAX_THINGS = 5;
export const SIZES = { min: 0.12, max: 0.62 };

const TABLE: Record<string, string> = {
  animals: "dog🐶 cat🐱 frog🐸 pig🐷 monkey🐵 penguin🐧 elephant🐘 turtle🐢 octopus🐙 butterfly🦋 whale🐳 lion🦁",
  fruits: "apple🍎 banana🍌 strawberry🍓 pineapple🍍 melon🍉 orange🍊 lemon🍋 pear🍐",
  vehicles: "car🚗 bus🚌 bicycle🚲 airplane✈️ rocket🚀 train🚂 boat⛵ helicopter🚁 tractor🚜",
  foods: "pizza🍕 burger🍔 donut🍩 cake🎂 cookie🍪 taco🌮 pretzel🥨 egg🍳",
  clothes: "shirt👕 dress👗 shoe👟 hat🎩 sock🧦 glove🧤 cap🧢",
  instruments: "guitar🎸 trumpet🎺 violin🎻 drum🥁 piano🎹",
  plants: "cactus🌵 sunflower🌻 tree🌲 rose🌹 clover🍀",
  tools: "hammer🔨 wrench🔧 axe🪓 key🔑 magnet🧲 broom🧹",
};

export const KINDS: readonly Kind[] = Object.entries(TABLE).flatMap(([category, row]) =>
  row.split(" ").map((cell) => {
    const name = /^[a-z]+/.exec(cell)![0];
    return { name, category, emoji: cell.slice(name.length) };
  }),
);

export function kindNamed(name: string): Kind {
  const kind = KINDS.find((one) => one.name === name);
  if (!kind) throw new RangeError(`no kind is called ${name}`);
  return kind;
}

let nextId = 1;

/** A new thing of a kind. */
export function thing(kind: Kind, place: Omit<Thing, "id" | "kind">): Thing {
  return { id: nextId++, kind, ...place };
}

/** Where a new thing has room: of a few places the one farthest from everything else. */
export function freePlace({ things }: Scene, size: number): { x: number; y: number } {
  const places = [0.5, 0.25, 0.75].flatMap((y) => [0.5, 0.25, 0.75].map((x) => ({ x, y })));
  const room = ({ x, y }: { x: number; y: number }) =>
    Math.min(...things.map((other) => Math.hypot(other.x - x, other.y - y) - (other.size + size) / 2), 2);
  return places.reduce((best, place) => (room(place) > room(best) + 1e-9 ? place : best));
}

const COLUMNS = ["left", "middle", "right"];
const ROWS = ["top", "middle", "bottom"];

/** "in the top left", "in the middle". */
export function placeText({ x, y }: Pick<Thing, "x" | "y">): string {
  const column = COLUMNS[Math.min(2, Math.max(0, Math.floor(x * 3)))]!;
  const row = ROWS[Math.min(2, Math.max(0, Math.floor(y * 3)))]!;
  if (row === "middle") return column === "middle" ? "in the middle" : `on the ${column}`;
  return column === "middle" ? `at the ${row}` : `in the ${row} ${column}`;
}

/** "A scene with a dog on the left and an apple at the top, on grass." */
export function sceneText({ background, things }: Scene): string {
  const parts = things.map(
    ({ kind, ...at }) => `${/^[aeiou]/.test(kind.name) ? "an" : "a"} ${kind.name} ${placeText(at)}`,
  );
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : (parts[0] ?? "nothing");
  return `A scene with ${list}; background: ${background}.`;
}
