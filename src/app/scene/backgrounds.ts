/** Backgrounds of scenes, pixel by pixel, like those of the demo model's training. */
import { randomFrom, smoothNoise } from "./random.ts";
import type { Background } from "./scene.ts";

type Rgb = readonly [number, number, number];
/** Colour at a place of the picture, both in [0, 1). */
type Painter = (x: number, y: number) => Rgb;

const SEED = 7;

const PAINTERS: Record<Background, (random: () => number) => Painter> = {
  sky(random) {
    const clouds = smoothNoise(random, 4);
    return (x, y) => {
      const base = mix([90, 160, 235], [175, 215, 250], y);
      return mix(base, [245, 245, 245], 0.7 * clamp(clouds(x, y) * 1.5 - 0.2));
    };
  },
  grass(random) {
    const [blades, patches] = [smoothNoise(random, 90), smoothNoise(random, 6)];
    return (x, y) => add(mix([95, 160, 60], [60, 130, 45], y), blades(x, y) * 26 + patches(x, y) * 16);
  },
  water(random) {
    const drift = smoothNoise(random, 5);
    return (x, y) => add(mix([40, 110, 160], [25, 75, 130], y), 18 * Math.sin(y * 50 + 3 * drift(x, y)));
  },
  sand(random) {
    const dunes = smoothNoise(random, 5);
    return (x, y) => add([220, 190, 135], 14 * dunes(x, y) + 26 * (random() + random() - 1));
  },
  night(random) {
    return (_, y) => add(mix([12, 14, 45], [35, 30, 75], y), random() > 0.9985 ? 190 : 0);
  },
  room() {
    return (x, y) => {
      if (y > 0.68) return add([140, 95, 60], (x * 10) % 1 < 0.03 ? -22 : 0);
      return add([205, 190, 170], (x * 7) % 1 < 0.03 ? -14 : 0);
    };
  },
};

/** Paints the whole canvas. */
export function paintBackground(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  background: Background,
): void {
  const { width, height } = context.canvas;
  const pixels = context.createImageData(width, height);
  const colour = PAINTERS[background](randomFrom(SEED));
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      pixels.data.set(colour(column / width, row / height), at);
      pixels.data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}

function add([red, green, blue]: Rgb, value: number): Rgb {
  return [red + value, green + value, blue + value];
}
