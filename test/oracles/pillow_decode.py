"""Decoded pixels by Pillow, for src/inputs/media/decode.test.ts.

    python test/oracles/pillow_decode.py GOLDEN_DIR > test/fixtures/media/decode.json

`golden`: sha256 of the RGB bytes of every picture of the golden fixtures. `made`: small pictures of
every mode that the decoder must read as Pillow does. `refused`: pictures that the decoder must
refuse, with the code it must give. Needs Pillow < 13 and numpy.
"""
import base64, hashlib, io, json, pathlib, sys

import numpy as np
from PIL import Image, ImageCms

rng = np.random.default_rng(4)


def smooth(h, w, c):
    y, x = np.mgrid[0:h, 0:w]
    planes = [128 + 90 * np.sin((k + 2) * x / w * 3 + k) * np.cos((k + 1) * y / h * 4) + rng.normal(0, 9, (h, w)) for k in range(c)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8).squeeze()


def encode(image, fmt, **options):
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def digest(image):
    rgb = image.convert("RGB")
    return {"width": rgb.width, "height": rgb.height, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()[:16]}


golden = {}
root = pathlib.Path(sys.argv[1])
for path in sorted(root.glob("*/images/*")):
    with Image.open(path) as image:
        golden[str(path.relative_to(root))] = digest(image)

rgb, rgba, grey, grey_alpha = (Image.fromarray(smooth(13, 19, c)) for c in (3, 4, 1, 2))
palette = rgb.quantize(12)
bits = Image.fromarray(smooth(13, 19, 1)).convert("1")
exif = Image.Exif()
exif[0x0112] = 6
display = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# A display profile whose red and blue primaries are swapped: applying it changes every pixel.
wrong = bytearray(display)
r, b = wrong.find(b"rXYZ"), wrong.find(b"bXYZ")
wrong[r:r + 4], wrong[b:b + 4] = b"bXYZ", b"rXYZ"
wrong = bytes(wrong)

made = {
    "rgb.png": encode(rgb, "PNG"),
    "rgba.png": encode(rgba, "PNG"),
    "grey.png": encode(grey, "PNG"),
    "grey-alpha.png": encode(grey_alpha, "PNG"),
    "one-bit.png": encode(bits, "PNG"),
    "palette-4-bit.png": encode(palette, "PNG", bits=4),
    "palette-transparent.png": encode(palette, "PNG", transparency=3),
    "palette-alphas.png": encode(palette, "PNG", transparency=bytes([0, 80, 255, 13])),
    "grey-keyed.png": encode(grey, "PNG", transparency=int(np.asarray(grey)[2, 2])),
    "rgb-keyed.png": encode(rgb, "PNG", transparency=tuple(int(v) for v in np.asarray(rgb)[2, 2])),
    "profile.png": encode(rgb, "PNG", icc_profile=wrong),
    "dense-420.jpg": encode(rgb, "JPEG", quality=90, subsampling=2),
    "dense-422.jpg": encode(rgb, "JPEG", quality=90, subsampling=1),
    "dense-444.jpg": encode(rgb, "JPEG", quality=90, subsampling=0),
    "progressive.jpg": encode(rgb, "JPEG", quality=80, progressive=True),
    "grey.jpg": encode(grey, "JPEG", quality=80),
    "turned.jpg": encode(rgb, "JPEG", quality=80, exif=exif),
    "profile.jpg": encode(rgb, "JPEG", quality=80, icc_profile=wrong),
    "lossy.webp": encode(rgb, "WEBP", quality=70),
    "lossless.webp": encode(rgb, "WEBP", lossless=True),
    "alpha.webp": encode(rgba, "WEBP", quality=70),
    "alpha-lossless.webp": encode(rgba, "WEBP", lossless=True, exact=True),
}
trailing = made["dense-420.jpg"] + b"trailing bytes after the end"
made["trailing.jpg"] = trailing

frames = [rgb, Image.fromarray(255 - np.asarray(rgb))]
deep = Image.fromarray((smooth(5, 7, 1).astype(np.uint16) * 257))
refused = {
    "cmyk.jpg": ("media/colour-space", encode(rgb.convert("CMYK"), "JPEG", quality=80)),
    "deep.png": ("media/bit-depth", encode(deep, "PNG")),
    "animated.webp": ("media/animated", encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)),
    "animated.png": ("media/animated", encode(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)),
    "picture.gif": ("media/format", encode(palette, "GIF")),
    "picture.bmp": ("media/format", encode(rgb.resize((3, 3)), "BMP")),
    "picture.tif": ("media/format", encode(rgb.resize((3, 3)), "TIFF")),
}

text = lambda data: base64.b64encode(data).decode()
parts = {
    "golden": golden,
    "made": {name: {"bytes": text(data), **digest(Image.open(io.BytesIO(data)))} for name, data in made.items()},
    "refused": {name: {"code": code, "bytes": text(data)} for name, (code, data) in refused.items()},
}
lines = lambda part: ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in part.items())
body = ",\n".join(f" {json.dumps(name)}: {{\n{lines(part)}\n }}" for name, part in parts.items())
print(f'{{\n "pillow": "{Image.__version__}",\n{body}\n}}')
