"""A contrastive tuning step in PyTorch and PEFT, f32: `tuning.py FOLDER THREADS CHUNK`, driven by
bench/tuning.ts.

The decoder of the LLaVA folder with the LoRA adapter in FOLDER/adapter; image rows come from the
inputs: the tower is frozen. With CHUNK above 0, GradCache by that many items (Gao et al. 2021).
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

folder, threads, chunk = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
settings = json.loads((folder / "tuning.json").read_text())
decoder = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).model.language_model
feeds = load_file(folder / "peer-inputs.safetensors")
model = PeftModel.from_pretrained(decoder, folder / "adapter", is_trainable=True)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=settings["learningRate"], weight_decay=settings["weightDecay"])


def vectors(side, items=slice(None)):
    """`[items, hidden]` unit vectors of the last positions."""
    ids, index = feeds[f"input_ids_{side}"][items], feeds[f"image_index_{side}"][items]
    rows = feeds["image_rows"]
    text = decoder.get_input_embeddings()(ids)
    inputs = torch.where(index.unsqueeze(-1) < 0, text, rows[index.clamp(min=0)])
    states = model(inputs_embeds=inputs, attention_mask=torch.ones_like(ids), use_cache=False).last_hidden_state
    return F.normalize(states[:, -1], dim=-1)


def loss_of(queries, targets):
    logits = queries @ targets.T / settings["temperature"]
    return F.cross_entropy(logits, torch.arange(len(logits)))


def whole():
    loss = loss_of(vectors("query"), vectors("target"))
    loss.backward()
    return loss.item()


def cached():
    """Vectors of all chunks without gradients; the loss over them; then each chunk again."""
    chunks = {side: feeds[f"input_ids_{side}"].split(chunk) for side in ("query", "target")}
    parts = [
        (side, slice(i * chunk, i * chunk + len(ids))) for side, own in chunks.items() for i, ids in enumerate(own)
    ]
    with torch.no_grad():
        found = {side: torch.cat([vectors(s, items) for s, items in parts if s == side]) for side in chunks}
    leaves = {side: value.requires_grad_() for side, value in found.items()}
    loss = loss_of(leaves["query"], leaves["target"])
    loss.backward()
    for side, items in parts:
        vectors(side, items).backward(leaves[side].grad[items])
    return loss.item()


def run():
    optimizer.zero_grad(set_to_none=True)
    loss = cached() if chunk > 0 else whole()
    optimizer.step()
    return {"loss": loss}


serve(run)
