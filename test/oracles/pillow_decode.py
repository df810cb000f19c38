"""Decoded pixels by Pillow, for src/inputs/media/decode.test.ts.

    python test/oracles/pillow_decode.py GOLDEN_DIR > test/fixtures/media/decode.json

`golden`: sha256 of the RGB bytes of every picture of the golden fixtures. `made`: small pictures of
every mode that the decoder must read as Pillow does. `refused`: pictures that the decoder must
refuse, with the code it must give. Needs Pillow < 13 and numpy.
"""
import base64, hashlib, io, json, pathlib, struct, sys

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

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

inverse = Image.fromarray(255 - np.asarray(rgb))
cmyk = Image.frombytes("CMYK", (19, 13), smooth(13, 19, 4).tobytes())


def without_adobe(data):
    at = data.find(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], "big"):] if at >= 0 else data


def on_canvas(data, width, height, left, top):
    """A GIF file whose frame lies within a larger canvas."""
    out = bytearray(data)
    out[6:10] = struct.pack("<HH", width, height)
    at = out.find(b"\x2c", 13 + 3 * (2 << (out[10] & 7)))
    out[at + 1:at + 5] = struct.pack("<HH", left, top)
    return bytes(out)


def tagged(image, tag, value, **options):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[tag] = value
    return encode(image, "TIFF", tiffinfo=info, **options)


animation = {"save_all": True, "append_images": [inverse], "duration": 100}
small = rgb.resize((7, 5))
made |= {
    "cmyk.jpg": encode(cmyk, "JPEG", quality=80),
    "cmyk-without-marker.jpg": without_adobe(encode(cmyk, "JPEG", quality=80)),
    "animated.webp": encode(rgb, "WEBP", **animation),
    "animated.png": encode(rgb, "PNG", **animation),
    "animated.gif": encode(rgb, "GIF", **animation),
    "picture.gif": encode(palette, "GIF"),
    "interlaced.gif": encode(palette, "GIF", interlace=1),
    "transparent.gif": encode(palette, "GIF", transparency=3),
    "grey.gif": encode(grey, "GIF"),
    "frame.gif": on_canvas(encode(palette, "GIF"), 25, 20, 3, 4),
    "frame-transparent.gif": on_canvas(encode(palette, "GIF", transparency=2), 25, 20, 3, 4),
    **{f"{mode.lower()}.tif": encode(small.convert(mode), "TIFF", compression="tiff_lzw") for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]},
    "plain.tif": encode(small, "TIFF"),
    "deflate.tif": encode(small, "TIFF", compression="tiff_adobe_deflate"),
    "packbits.tif": encode(small, "TIFF", compression="packbits"),
    "fax.tif": encode(bits, "TIFF", compression="group4"),
    "jpeg.tif": encode(rgb, "TIFF", compression="jpeg"),
    "predictor.tif": tagged(small, 317, 2, compression="tiff_lzw"),
    **{f"turned-{turn}.tif": tagged(small, 274, turn, compression="tiff_lzw") for turn in [2, 3, 6, 7]},
    "pages.tif": encode(small, "TIFF", save_all=True, append_images=[inverse]),
    **{f"{mode.lower()}.bmp": encode(small.convert(mode), "BMP") for mode in ["1", "L", "P", "RGB", "RGBA"]},
}
# The same rows from the top: a negative height.
upright = bytearray(made["rgb.bmp"])
upright[22:26] = struct.pack("<i", -5)
made["top-down.bmp"] = bytes(upright)

deep = Image.fromarray((smooth(5, 7, 1).astype(np.uint16) * 257))


def bmp_of(bits, compression, pixels, colours=()):
    """A BMP file of 4×2 pixels, as Pillow does not write them."""
    table = b"".join(bytes([*colour, 0]) for colour in colours)
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, bits, compression, len(pixels), 0, 0, len(colours), 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(table) + len(pixels), 0, 0, 54 + len(table)) + header + table + pixels


colours = [(0, 0, 0), (9, 80, 200), (255, 3, 40)]
refused = {
    "deep.png": ("media/bit-depth", encode(deep, "PNG")),
    "deep.tif": ("media/bit-depth", encode(deep, "TIFF")),
    "float.tif": ("media/bit-depth", encode(Image.fromarray(smooth(5, 7, 1).astype(np.float32)), "TIFF")),
    "lab.tif": ("media/variant", encode(Image.frombytes("LAB", (7, 5), smooth(5, 7, 3).tobytes()), "TIFF")),
    "ycbcr.tif": ("media/variant", encode(small.convert("YCbCr"), "TIFF", compression="tiff_lzw")),
    "lzma.tif": ("media/variant", encode(small, "TIFF", compression="lzma")),
    "premultiplied.tif": ("media/variant", encode(small.convert("RGBA"), "TIFF").replace(struct.pack("<HHIH", 338, 3, 1, 2), struct.pack("<HHIH", 338, 3, 1, 1))),
    "turned-plain.tif": ("media/variant", tagged(small.convert("L"), 274, 6)),
    "big.tif": ("media/variant", encode(small, "TIFF", big_tiff=True)),
    "4-bit.bmp": ("media/variant", bmp_of(4, 0, bytes([0x01, 0x20, 0, 0, 0x12, 0x10, 0, 0]), colours)),
    "16-bit.bmp": ("media/variant", bmp_of(16, 0, bytes(range(16)))),
    "run-lengths.bmp": ("media/variant", bmp_of(8, 1, bytes([4, 1, 0, 0, 4, 2, 0, 1]), colours)),
    "beyond-palette.bmp": ("media/variant", bmp_of(8, 0, bytes([0, 1, 2, 1, 2, 7, 0, 1]), colours)),
    "picture.avif": ("media/format", encode(small, "AVIF")),
    "picture.ppm": ("media/format", encode(small, "PPM")),
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
