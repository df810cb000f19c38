"""Forward pass of a LLaVA folder in PyTorch and transformers, f32: `forward.py FOLDER THREADS SEQUENCES`, driven by bench/forward.ts."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration

from rounds import serve

folder, threads, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
feeds = load_file(folder / "peer-inputs.safetensors")
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
        save_file({"states": states.contiguous()}, folder / "peer-outputs.safetensors")
        saved = True
    return {}


serve(run)
