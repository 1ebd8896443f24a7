"""Writes torch.json: bytes that torch resizes (bilinear, antialias), as torchvision does on a CPU. Run with torch 2.15."""

import json
import pathlib

import numpy
import torch

SIZES = [  # (width, height) from and to
    ((23, 17), (8, 8)),
    ((13, 29), (40, 9)),
    ((5, 7), (16, 20)),
    ((64, 48), (64, 13)),
    ((97, 6), (11, 6)),
    ((40, 31), (39, 30)),
    ((9, 70), (10, 7)),
]

random = numpy.random.default_rng(1)
cases = []
for (width, height), (to_width, to_height) in SIZES:
    # Bytes at both ends as often as in between, so that sums come near the limits.
    pixels = numpy.clip(random.integers(-128, 384, (height, width)), 0, 255).astype(numpy.uint8)
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(pixels)[None, None], (to_height, to_width), mode="bilinear", antialias=True
    )[0, 0].numpy()
    cases.append(
        {
            "from": [width, height],
            "to": [to_width, to_height],
            "pixels": pixels.tobytes().hex(),
            "resized": resized.tobytes().hex(),
        }
    )
pathlib.Path(__file__).with_name("torch.json").write_text(json.dumps(cases, indent=1) + "\n")
