"""Forward pass of a LLaVA folder in PyTorch and transformers, f32: `forward.py FOLDER THREADS`, driven by bench/forward.ts."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration

from rounds import serve

folder, threads = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
feeds = load_file(folder / "peer-inputs.safetensors")
saved = False


def run():
    global saved
    with torch.inference_mode():
        states = model.model(**feeds).last_hidden_state
    if not saved:
        save_file({"states": states.contiguous()}, folder / "peer-outputs.safetensors")
        saved = True
    return {}


serve(run)
