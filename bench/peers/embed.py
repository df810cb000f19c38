"""A corpus embedded in transformers, f32: `embed.py FOLDER THREADS BATCH [BATCH …]`, driven by
bench/embed.ts.

Batches in the order of the corpus, padded to their longest item; the vector is the last real
position's state after the norm, at unit length. The first run tries every size of batch and keeps
the fastest.
"""

import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor, LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast

from rounds import serve

folder, threads, sizes = Path(sys.argv[1]), int(sys.argv[2]), [int(size) for size in sys.argv[3:]]
torch.set_num_threads(threads)
model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, padding_side="right")
patch = model.config.vision_config.patch_size
processor = LlavaProcessor(
    CLIPImageProcessor.from_pretrained(folder),
    tokenizer,
    patch_size=patch,
    vision_feature_select_strategy=model.config.vision_feature_select_strategy,
    num_additional_image_tokens=1,
)
corpus = json.loads((folder / "corpus.json").read_text())
best = None


def vectors(items):
    images = [Image.open(item["image"]).convert("RGB") for item in items if "image" in item]
    text = [item["prompt"] for item in items]
    inputs = processor(images=images or None, text=text, padding=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    states = model.model(**inputs, use_cache=False).last_hidden_state
    last = inputs["attention_mask"].sum(1) - 1
    return F.normalize(states[torch.arange(len(items)), last], dim=-1)


def embed(size):
    with torch.inference_mode():
        return torch.cat([vectors(corpus[start : start + size]) for start in range(0, len(corpus), size)])


def timed(size):
    start = time.perf_counter()
    embed(size)
    return time.perf_counter() - start


def run():
    global best
    if best is None:
        # The first call of all also warms up.
        save_file({"vectors": embed(sizes[0]).contiguous()}, folder / "peer-outputs.safetensors")
        best = min(sizes, key=timed)
    else:
        embed(best)
    return {"batch": best}


serve(run)
