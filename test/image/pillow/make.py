"""Writes pillow.json: Pillow's own results for small pictures of noise, so that the resampler is pinned on a bare clone.

    python3 -m venv venv && venv/bin/pip install pillow==13.0.0 && venv/bin/python test/image/pillow/make.py

A case is a picture (from a seed, see `noise`), a filter and a chain of sizes; each resize reads the 8-bit result of the
one before. `rgb` is the last result, base64 of [height, width, 3]. Before Pillow 13.0 columns were always resized before
rows, which gives other bytes where the height shrinks by more than twice what the width does.
"""

import base64
import json
from pathlib import Path

from PIL import Image, __version__

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def noise(seed, width, height):
    """The high bytes of the generator of Numerical Recipes; one in four is made 0 or 255, so that sums leave the range."""
    state, data = seed, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        byte = state >> 24
        data.append(byte if state & 0xC00000 else 255 * (byte & 1))
    return Image.frombytes("RGB", (width, height), bytes(data))


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


def main():
    cases = []
    for seed, (name, size, sizes) in enumerate(CASES, start=1):
        picture = noise(seed, *size)
        for to in sizes:
            picture = picture.resize(to, FILTERS[name])
        rgb = base64.b64encode(picture.tobytes()).decode()
        cases.append({"seed": seed, "filter": name, "size": size, "sizes": sizes, "rgb": rgb})
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    text = f'{{\n "pillow": "{__version__}",\n "cases": [\n{lines}\n ]\n}}\n'
    Path(__file__).with_name("pillow.json").write_text(text)


main()
