"""Writes pillow.json: Pillow's own results for small pictures of noise, so that the resampler is pinned on a bare clone.

    python3 -m venv venv && venv/bin/pip install pillow==13.0.0
    venv/bin/python test/image/pillow/make.py ../shared/real/photos

A case is a picture (from a seed, see `noise`), a filter and a chain of sizes; each resize reads the 8-bit result of the
one before. `rgb` is the last result, base64 of [height, width, 3]. A transparent picture is laid over white first.
`photos` has the SHA-256 of what three ways to a square make of a transparent photograph. Before Pillow 13.0 columns were always resized before
rows, which gives other bytes where the height shrinks by more than twice what the width does.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from PIL import Image, __version__

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def noise(seed, width, height, channels=3):
    """The high bytes of the generator of Numerical Recipes; one in four is made 0 or 255, so that sums leave the range."""
    state, data = seed, bytearray()
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        byte = state >> 24
        data.append(byte if state & 0xC00000 else 255 * (byte & 1))
    return Image.frombytes("RGB" if channels == 3 else "RGBA", (width, height), bytes(data))


def over_white(picture):
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def pad(picture, size):
    side = max(picture.size)
    square = Image.new("RGB", (side, side), (122, 116, 104))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square.resize((size, size), Image.BICUBIC)


def crop(picture, size):
    short = min(picture.size)
    picture = picture.resize(tuple(int(size * side / short) for side in picture.size), Image.BICUBIC)
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return picture.crop((left, top, left + size, top + size))


def squares(picture):
    made = {"pad336": pad(picture, 336), "crop224": crop(picture, 224), "squash224": picture.resize((224, 224), Image.BILINEAR)}
    return {name: hashlib.sha256(square.tobytes()).hexdigest() for name, square in made.items()}


CASES = [
    # Up, down, both at once.
    ("lanczos", (23, 17), [(41, 29)]),
    ("lanczos", (64, 48), [(13, 9)]),
    ("lanczos", (9, 50), [(30, 11)]),
    ("lanczos", (97, 13), [(1, 1)]),
    ("lanczos", (2, 2), [(9, 7)]),
    ("lanczos", (40, 30), [(39, 31)]),
    # Rows before columns: both down, down and up; just not yet.
    ("lanczos", (28, 42), [(21, 21)]),
    ("lanczos", (30, 40), [(35, 31)]),
    ("bicubic", (40, 60), [(30, 39)]),
    ("bicubic", (40, 60), [(30, 40)]),
    # One axis stays, both stay.
    ("lanczos", (31, 57), [(31, 20)]),
    ("lanczos", (31, 20), [(50, 20)]),
    ("lanczos", (18, 12), [(18, 12)]),
    # Chains: longest edge, whole tiles, overview; and the other filters.
    ("lanczos", (50, 28), [(64, 36), (64, 48), (16, 16)]),
    ("lanczos", (150, 40), [(64, 18), (64, 32), (16, 16)]),
    ("bicubic", (50, 28), [(64, 36), (64, 48), (16, 16)]),
    ("bilinear", (50, 28), [(64, 36), (64, 48), (16, 16)]),
]


TRANSPARENT_CASES = [
    ("bilinear", (16, 16), [(16, 16)]),
    ("bicubic", (23, 17), [(12, 9)]),
    ("lanczos", (9, 31), [(20, 10), (8, 8)]),
]


def main(photos):
    cases = []
    for seed, (name, size, sizes) in enumerate(CASES + TRANSPARENT_CASES, start=1):
        is_transparent = seed > len(CASES)
        picture = over_white(noise(seed, *size, 4)) if is_transparent else noise(seed, *size)
        for to in sizes:
            picture = picture.resize(to, FILTERS[name])
        rgb = base64.b64encode(picture.tobytes()).decode()
        cases.append({"seed": seed, "filter": name, "transparent": is_transparent, "size": size, "sizes": sizes, "rgb": rgb})
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    digests = {file: squares(over_white(Image.open(Path(photos, file)))) for file in ["derived/coffee_alpha.png", "blackbug_alpha.png"]}
    photo_lines = json.dumps(digests, indent=1).replace("\n", "\n ")
    text = f'{{\n "pillow": "{__version__}",\n "photos": {photo_lines},\n "cases": [\n{lines}\n ]\n}}\n'
    Path(__file__).with_name("pillow.json").write_text(text)


main(sys.argv[1])
