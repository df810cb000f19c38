"""Loads the autoregressive twin as it lies in the repository with transformers, and compares it
with bifocal: token ids, pixels, last hidden states.

    npm run build
    python test/oracles/load_twin_ar.py [MODEL] [--card]

Exits 1 where keys are missing or unexpected, or a hidden state differs by more than 1e-3. `--card`
writes the figure into the model card. Needs torch, transformers 4.57, safetensors, pillow, numpy.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors import safe_open
from transformers import AutoProcessor, LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-3

arguments = [argument for argument in sys.argv[1:] if argument != "--card"]
model_dir = Path(arguments[0]) if arguments else ROOT / "models" / "twin-ar"

torch.set_num_threads(1)
model, loading = LlavaForConditionalGeneration.from_pretrained(model_dir, dtype=torch.float32, output_loading_info=True)
model.eval()
for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
    print(f"{kind}: {sorted(loading[kind]) or 'none'}")
processor = AutoProcessor.from_pretrained(model_dir)

worst = {"pixels": 0.0, "hidden": 0.0}
same_ids = True
with tempfile.TemporaryDirectory() as folder:
    dump = Path(folder) / "twin-ar.safetensors"
    subprocess.run(["node", str(ROOT / "test/oracles/dump_twin_ar.mjs"), str(model_dir), str(dump)], check=True)
    with safe_open(dump, "pt") as ours:
        prompts = json.loads(ours.metadata()["prompts"])
        for i, prompt in enumerate(prompts):
            picture = Image.fromarray(np.asarray(ours.get_tensor(f"{i}.picture")))
            inputs = processor(images=picture, text=prompt, return_tensors="pt", add_special_tokens=False)
            same_ids &= torch.equal(inputs["input_ids"], ours.get_tensor(f"{i}.input_ids"))
            with torch.no_grad():
                hidden = model.model(**{k: v for k, v in inputs.items() if k != "token_type_ids"}).last_hidden_state
            for name, found in (("pixels", inputs["pixel_values"]), ("hidden", hidden)):
                expected = ours.get_tensor(f"{i}.{'pixel_values' if name == 'pixels' else name}")
                worst[name] = max(worst[name], (found - expected).abs().max().item())

scale = hidden.abs().mean().item()
print(f"transformers {transformers.__version__}, torch {torch.__version__}, {len(prompts)} pictures and prompts")
print(f"token ids: {'the same' if same_ids else 'DIFFERENT'}")
print(f"pixels: largest difference {worst['pixels']:.1e}")
print(f"last hidden states: largest difference {worst['hidden']:.1e} (mean size {scale:.2f})")

if "--card" in sys.argv:
    card = model_dir / "README.md"
    said = (
        f"With transformers {transformers.__version__}, f32: token ids are {'the same' if same_ids else 'different'}, the largest difference of a last "
        f"hidden state is {worst['hidden']:.1e} (their mean size is {scale:.2f}), over {len(prompts)} pictures and prompts."
    )
    text = card.read_text()
    card.write_text(re.sub(r"<!-- parity -->.*?<!-- /parity -->", lambda _: f"<!-- parity -->\n{said}\n<!-- /parity -->", text, flags=re.S))

clean = not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
sys.exit(0 if clean and same_ids and worst["hidden"] <= TOLERANCE else 1)
