"""A contrastive tuning step in PyTorch and PEFT, f32: `tuning.py FOLDER THREADS`, driven by
bench/tuning.ts.

The decoder of the LLaVA folder with the LoRA adapter in FOLDER/adapter; image rows come from the
inputs: the tower is frozen.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlavaForConditionalGeneration

from rounds import serve

folder, threads = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
settings = json.loads((folder / "tuning.json").read_text())
decoder = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).model.language_model
feeds = load_file(folder / "peer-inputs.safetensors")
model = PeftModel.from_pretrained(decoder, folder / "adapter", is_trainable=True)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=settings["learningRate"], weight_decay=settings["weightDecay"])


def vectors(side):
    """`[batch, hidden]` unit vectors of the last positions."""
    ids, rows, index = feeds[f"input_ids_{side}"], feeds["image_rows"], feeds[f"image_index_{side}"]
    text = decoder.get_input_embeddings()(ids)
    inputs = torch.where(index.unsqueeze(-1) < 0, text, rows[index.clamp(min=0)])
    states = model(inputs_embeds=inputs, attention_mask=torch.ones_like(ids), use_cache=False).last_hidden_state
    return F.normalize(states[:, -1], dim=-1)


def run():
    logits = vectors("query") @ vectors("target").T / settings["temperature"]
    loss = F.cross_entropy(logits, torch.arange(len(logits)))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return {"loss": loss.item()}


serve(run)
