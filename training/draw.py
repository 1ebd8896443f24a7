"""Draws a scene to pixels: background, emoji, augmentation. Says nothing about questions or labels of a model.

`draw` returns the picture and, for the encoder's labels, which thing owns each pixel. Everything random comes from the
scene's seed. Needs Debian's fonts-noto-color-emoji and Pillow.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from kinds import BACKGROUNDS, KINDS
from scene import Scene, Thing

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
STRIKE = 109  # the only size of the font's bitmaps
MIPS = (128, 96, 72, 54, 41, 31)  # close together: one bilinear step from the next larger neither aliases nor blurs much


@lru_cache(maxsize=1)
def _grain_pool() -> np.ndarray:
    """Gaussian grain to cut from: drawing fresh normals would cost more than all the rest."""
    return np.random.default_rng(0).normal(0, 1, 1 << 20).astype(np.float32)


def _grain(rng: np.random.Generator, side: int, channels: int) -> np.ndarray:
    count = side * side * channels
    start = int(rng.integers((1 << 20) - count))
    return _grain_pool()[start : start + count].reshape(channels, side, side)


@lru_cache(maxsize=None)
def _sprite(kind: int, side: int) -> Image.Image:
    """The emoji cropped to its ink, centred on a transparent square of `side` pixels (premultiplied against fringes)."""
    font = ImageFont.truetype(FONT, STRIKE)
    sheet = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(sheet).text((10, 10), KINDS[kind].emoji, font=font, embedded_color=True)
    ink = sheet.crop(sheet.getbbox())
    square = Image.new("RGBA", (max(ink.size),) * 2, (0, 0, 0, 0))
    square.paste(ink, ((square.width - ink.width) // 2, (square.height - ink.height) // 2))
    return square.convert("RGBa").resize((side, side), Image.BICUBIC)


def _placed(rng: np.random.Generator, thing: Thing, side: int) -> tuple[np.ndarray, int, int]:
    """The thing turned, stretched, perhaps mirrored: premultiplied pixels [4, h, w] in 0..255 and their top left corner."""
    size = thing.size * side
    mip = min((m for m in MIPS if m >= size), default=MIPS[0])
    sprite = _sprite(thing.kind, mip)
    angle = np.deg2rad(thing.angle)
    stretch = np.exp(rng.uniform(-0.12, 0.12))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    # Output pixel -> sprite pixel: turn back, then scale each axis.
    sx, sy = mip / (size * stretch) * mirror, mip / (size / stretch)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b, d, e = cos * sx, sin * sx, -sin * sy, cos * sy
    shear = rng.uniform(-0.12, 0.12)
    b += a * shear
    box = int(np.ceil(size * 1.12 * (abs(cos) + abs(sin) + abs(shear)))) + 2
    left, top = int(round(thing.x * side - box / 2)), int(round(thing.y * side - box / 2))
    cx, cy = thing.x * side - left, thing.y * side - top
    matrix = (a, b, mip / 2 - a * cx - b * cy, d, e, mip / 2 - d * cx - e * cy)
    turned = sprite.transform((box, box), Image.AFFINE, matrix, Image.BILINEAR)
    mix = np.eye(4, dtype=np.float32)
    if rng.random() < 0.7:  # another font's colours: a mix of the channels and a gain, kept premultiplied
        mix[:3, :3] += rng.normal(0, 0.07, (3, 3))
        mix[:3, :3] *= np.exp(rng.normal(0, 0.18))
    pixels = (mix @ np.asarray(turned, dtype=np.float32).reshape(-1, 4).T).reshape(4, box, box)
    np.minimum(np.maximum(pixels, 0, out=pixels), pixels[3:], out=pixels)
    return pixels, left, top


def _smooth(rng: np.random.Generator, cells: int, side: int, channels: int = 1) -> np.ndarray:
    """Smooth noise in -1..1, [channels, side, side], with about `cells` bumps across."""
    coarse = rng.integers(0, 256, (cells + 1, cells + 1, channels), dtype=np.uint8)
    image = Image.fromarray(coarse if channels == 3 else coarse[..., 0])
    fine = np.asarray(image.resize((side, side), Image.BICUBIC), dtype=np.float32)
    return np.ascontiguousarray(fine.reshape(side, side, channels).transpose(2, 0, 1)) / 127.5 - 1


def _ramp(rng: np.random.Generator, side: int, first: np.ndarray, last: np.ndarray, angle: float) -> np.ndarray:
    line = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    t = np.clip(np.float32(np.sin(angle)) * line[None, :] + np.float32(np.cos(angle)) * line[:, None] + 0.5, 0, 1)
    return first[:, None, None] + t * (last - first)[:, None, None]


def _background(rng: np.random.Generator, name: str, side: int) -> np.ndarray:
    """Float pixels [3, side, side] in 0..255."""
    def tint(r: float, g: float, b: float, spread: float = 18) -> np.ndarray:
        return (np.array([r, g, b]) + rng.normal(0, spread, 3)).astype(np.float32)

    if name == "sky":
        clouds = np.clip(_smooth(rng, int(rng.integers(2, 6)), side) * 1.5 - 0.2, 0, 1)
        base = _ramp(rng, side, tint(90, 160, 235), tint(175, 215, 250), 0)
        return base + clouds * (245 - base) * rng.uniform(0.3, 0.9)
    if name == "grass":
        blades = _smooth(rng, side // 3, side) * 26 + _smooth(rng, 6, side) * 16
        return _ramp(rng, side, tint(95, 160, 60), tint(60, 130, 45), 0) + blades
    if name == "water":
        rows = np.arange(side, dtype=np.float32)[:, None] / side * rng.uniform(30, 70)
        waves = np.sin(rows + _smooth(rng, 5, side)[0] * 3)
        return _ramp(rng, side, tint(40, 110, 160), tint(25, 75, 130), 0) + waves * rng.uniform(12, 24)
    if name == "sand":
        grain = _grain(rng, side, 1) * np.float32(rng.uniform(8, 18))
        return tint(220, 190, 135)[:, None, None] + _smooth(rng, 5, side) * 14 + grain
    if name == "night":
        base = _ramp(rng, side, tint(12, 14, 45, 7), tint(35, 30, 75, 9), 0)
        stars = (_grain(rng, side, 1) > 2.5).astype(np.float32) * rng.uniform(120, 230)
        return base + stars
    if name == "room":
        wall, floor = tint(205, 190, 170, 25), tint(140, 95, 60, 20)
        picture = np.broadcast_to(wall[:, None, None], (3, side, side)).copy()
        horizon = int(side * rng.uniform(0.55, 0.8))
        picture[:, :, :: max(4, int(side * rng.uniform(0.08, 0.2)))] -= 14  # stripes of the wallpaper
        planks = (np.arange(side) % max(4, int(side * rng.uniform(0.06, 0.14))) == 0) * np.float32(-22)
        picture[:, horizon:] = floor[:, None, None] + planks
        return picture
    if name == "gradient":
        a, b = rng.uniform(20, 240, (2, 3)).astype(np.float32)
        return _ramp(rng, side, a, b, rng.uniform(0, 2 * np.pi))
    base = rng.uniform(70, 190, (3, 1, 1)).astype(np.float32)
    return base + _smooth(rng, int(rng.integers(8, 40)), side, 3) * rng.uniform(40, 80)


def _augment(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Exposure, white balance, contrast, grain, blur: uint8 [side, side, 3]."""
    if rng.random() < 0.7:
        gain = np.exp(rng.normal(0, 0.07, 3) + rng.normal(0, 0.13)).astype(np.float32)
        contrast = np.float32(np.exp(rng.normal(0, 0.13)))
        picture = picture * (gain * contrast)[:, None, None] + (120 - 120 * contrast)
    if rng.random() < 0.35:
        picture = picture + _grain(rng, picture.shape[1], 3) * np.float32(rng.uniform(2, 10))
    picture += np.float32(0.5)
    clipped = np.minimum(np.maximum(picture, 0, out=picture), 255, out=picture).astype(np.uint8)
    pixels = Image.fromarray(np.ascontiguousarray(clipped.transpose(1, 2, 0)))
    roll = rng.random()
    if roll < 0.12:
        pixels = pixels.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    elif roll < 0.2:
        pixels = pixels.filter(ImageFilter.SHARPEN)
    elif roll < 0.26:
        pixels = ImageEnhance.Color(pixels).enhance(rng.uniform(0.4, 0.8))
    return np.asarray(pixels)


def draw(scene: Scene, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture uint8 [side, side, 3] and owner int8 [side, side]: the thing on top of each pixel, -1 for the background."""
    rng = np.random.default_rng([scene.seed, 2])
    picture = np.ascontiguousarray(_background(rng, BACKGROUNDS[scene.background], side), dtype=np.float32)
    owner = np.full((side, side), -1, np.int8)
    shadow = rng.random() < 0.25
    for index, thing in enumerate(scene.things):
        pixels, left, top = _placed(rng, thing, side)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(side, left + pixels.shape[2]), min(side, top + pixels.shape[1])
        part = pixels[:, y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = part[3] / 255
        if shadow:
            drop = max(1, side // 40)
            region = picture[:, y0 + drop : y1 + drop, x0 + drop : x1 + drop]
            region *= 1 - np.float32(0.35) * alpha[: region.shape[1], : region.shape[2]]
        region = picture[:, y0:y1, x0:x1]
        region *= 1 - alpha
        region += part[:3]
        owner[y0:y1, x0:x1][alpha > 0.5] = index
    return _augment(rng, picture), owner
