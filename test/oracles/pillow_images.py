"""What Pillow makes of every picture of a folder, for test/oracles/pillow_images.mjs.

    pip download --no-deps --no-binary :all: pillow==12.3.0 && tar xzf pillow-12.3.0.tar.gz
    python test/oracles/pillow_images.py pillow-12.3.0/Tests/images > pillow.json
    npm run build && node test/oracles/pillow_images.mjs pillow-12.3.0/Tests/images pillow.json

For each file that Pillow opens: format, mode, size, number of frames, sha256 of the RGB bytes of the
first frame; or the error.
"""
import hashlib, json, pathlib, sys, warnings

from PIL import Image

warnings.simplefilter("ignore")
root = pathlib.Path(sys.argv[1])
seen = {}
for path in sorted(p for p in root.rglob("*") if p.is_file()):
    try:
        with Image.open(path) as image:
            found = {"format": image.format, "mode": image.mode, "frames": getattr(image, "n_frames", 1)}
            image.seek(0)
            rgb = image.convert("RGB")
            seen[str(path.relative_to(root))] = {**found, "width": rgb.width, "height": rgb.height, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()[:16]}
    except Exception as error:
        seen[str(path.relative_to(root))] = {"error": f"{type(error).__name__}: {error}"[:120]}
json.dump(seen, sys.stdout, indent=1)
