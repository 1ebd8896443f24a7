/** Sample scenes, each with a question. */
import type { ImageInput } from "../../api.ts";
import { type Background, kindNamed, type Scene, thing } from "./scene.ts";

export interface Sample {
  /** Also the name of its file in public/samples. */
  name: string;
  title: string;
  question: string;
  scene: Scene;
}

type Place = [name: string, x: number, y: number, size: number, angle: number];

function sample(title: string, question: string, background: Background, ...places: Place[]): Sample {
  const things = places.map(([kind, x, y, size, angle]) => thing(kindNamed(kind), { x, y, size, angle }));
  return { name: `${title.toLowerCase().replaceAll(" ", "-")}.webp`, title, question, scene: { background, things } };
}

export const SAMPLES: readonly Sample[] = [
  sample(
    "Picnic",
    "What do you see?",
    "grass",
    ["dog", 0.27, 0.62, 0.36, -8],
    ["pizza", 0.72, 0.74, 0.3, 12],
    ["butterfly", 0.68, 0.25, 0.26, 18],
  ),
  sample("Harbour", "What is left of the whale?", "water", ["boat", 0.26, 0.4, 0.38, 0], ["whale", 0.72, 0.6, 0.36, 6]),
  sample(
    "Night flight",
    "Where is the rocket?",
    "night",
    ["rocket", 0.74, 0.26, 0.36, 8],
    ["helicopter", 0.27, 0.7, 0.34, -6],
  ),
  sample(
    "Fruit stand",
    "How many fruits are in the picture? Answer in uppercase.",
    "sand",
    ["apple", 0.22, 0.3, 0.3, 0],
    ["banana", 0.55, 0.66, 0.3, -14],
    ["melon", 0.8, 0.28, 0.28, 10],
    ["hat", 0.2, 0.76, 0.27, 4],
  ),
];

/** Name of the picture of a scene that was built on the page. */
export const SCENE_NAME = "Scene";

/** True if a picture is the page's own: one that the demo model knows. */
export function isOwnPicture({ image }: { image: ImageInput }): boolean {
  if (image instanceof File) return image.name === SCENE_NAME;
  return typeof image === "string" && SAMPLES.some(({ name }) => image.endsWith(`/samples/${name}`));
}
