"""Resized pixels by Pillow, for src/inputs/media/resize.test.ts.

    python test/oracles/pillow_resize.py > test/fixtures/media/resize.json

Each case: sizes, filter, kind of source and the sha256 of the RGB result. Sources are drawn by the
integer rule of `source`, which the test repeats. Needs Pillow 12.3 (older and newer ones have other
rules for which pass comes first) and numpy.
"""
import hashlib, json

import numpy as np
from PIL import Image

FILTERS = {"lanczos": Image.LANCZOS, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "box": Image.BOX}


def source(seed, width, height, kind):
    """noise: the top byte of a linear congruential generator; smooth: a triangle wave; edges: black and white blocks."""
    i = np.arange(width * height * 3, dtype=np.int64)
    pixel, channel = i // 3, i % 3
    x, y = pixel % width, pixel // width
    if kind == "noise":
        state, values = seed, []
        for _ in range(len(i)):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            values.append(state >> 24)
        flat = np.array(values)
    elif kind == "smooth":
        flat = np.abs((x * (3 + channel) + y * 5 + seed) % 510 - 255)
    else:
        flat = 255 * (((x >> 2) + (y >> 1) + channel + seed) & 1)
    return flat.astype(np.uint8).reshape(height, width, 3)


rng = np.random.default_rng(9)
cases = []
# From 240 on: very tall pictures, which Pillow makes lower before it makes them narrower or wider.
TALL = [(2, 300, 24, 24), (1, 101, 7, 100), (1, 100, 7, 50), (2, 201, 1, 90), (3, 301, 9, 302), (3, 400, 3, 90), (2, 900, 336, 336), (1, 1500, 5, 3)]
for seed in range(240 + 4 * len(TALL)):
    if seed < 240:
        width, height, to_width, to_height = (int(v) for v in np.exp(rng.uniform(np.log(1), np.log(140), 4)).round())
    else:
        width, height, to_width, to_height = TALL[(seed - 240) // 4]
    if seed < 240 and seed % 10 == 0:
        to_width = width
    if seed < 240 and seed % 10 == 1:
        to_height = height
    name = list(FILTERS)[seed % 4]
    kind = ["noise", "smooth", "edges"][seed % 3]
    image = Image.fromarray(source(seed, width, height, kind)).resize((to_width, to_height), FILTERS[name])
    cases.append([seed, kind, width, height, to_width, to_height, name, hashlib.sha256(image.tobytes()).hexdigest()[:16]])
body = ",\n".join("  " + json.dumps(case) for case in cases)
print(f'{{\n "pillow": "{Image.__version__}",\n "cases": [\n{body}\n ]\n}}')
