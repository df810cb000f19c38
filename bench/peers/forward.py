"""Forward pass of a LLaVA folder in PyTorch and transformers: `forward.py FOLDER THREADS SEQUENCES
[DTYPE]`, default float32.

Driven by bench/forward.ts and, in bfloat16, by bench/int8.ts.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration

from rounds import serve

folder, threads, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
dtype = getattr(torch, sys.argv[4] if len(sys.argv) > 4 else "float32")
torch.set_num_threads(threads)
model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
feeds = load_file(folder / "peer-inputs.safetensors")
feeds["pixel_values"] = feeds["pixel_values"].to(dtype)
saved = False


def run():
    global saved
    with torch.inference_mode():
        parts = [
            model.model(**{name: value[start : start + size] for name, value in feeds.items()}).last_hidden_state
            for start in range(0, len(feeds["input_ids"]), size)
        ]
        states = torch.cat(parts)
    if not saved:
        save_file({"states": states.float().contiguous()}, folder / "peer-outputs.safetensors")
        saved = True
    return {}


serve(run)
