"""Further kinds of PEFT adapter folder, each merged by PEFT: a fixture of kind merge.

    python test/oracles/adapters.py ../shared/golden/tune-merge OUT && npx bifocal verify --golden OUT

Biases, embedding tables, convolutions, trained tokens, excluded modules, layers without a pattern, and whole modules of every size, beside the
kinds that the golden fixture has. Written with peft 0.21.2, transformers 4.57.6.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlavaForConditionalGeneration

torch.set_num_threads(1)

QV = ["q_proj", "v_proj"]
KINDS = {
    "bias-all": dict(target_modules=QV, bias="all"),
    "bias-lora-only": dict(target_modules=QV, bias="lora_only"),
    "embedding": dict(target_modules=["q_proj", "embed_tokens"]),
    "embedding-dora": dict(target_modules=["q_proj", "embed_tokens"], use_dora=True),
    "convolution": dict(target_modules=["q_proj", "patch_embedding"]),
    "convolution-dora": dict(target_modules=["q_proj", "patch_embedding"], use_dora=True),
    "all-linear": dict(target_modules="all-linear"),
    "excluded": dict(target_modules=QV, exclude_modules=r".*vision_tower.*"),
    "layers-any": dict(target_modules=["q_proj", "up_proj"], layers_to_transform=0),
    "lora-bias": dict(target_modules=["fc1", "fc2"], lora_bias=True, init_lora_weights=True),
    "tokens": dict(target_modules=["q_proj"], trainable_token_indices=[1, 363, 360]),
    "fan-in-fan-out": dict(target_modules=["q_proj"], fan_in_fan_out=True),
    "saved": dict(target_modules=["q_proj"], modules_to_save=["post_attention_layernorm", "multi_modal_projector", "embed_tokens"]),
    "head": dict(target_modules=["q_proj", "lm_head"]),
}

source, out = Path(sys.argv[1]), Path(sys.argv[2])
shutil.copytree(source / "checkpoint", out / "checkpoint")
cases = json.loads((source / "cases.json").read_text())
ids, mask = torch.tensor(cases["input_ids"]), torch.tensor(cases["attention_mask"])


def base():
    return LlavaForConditionalGeneration.from_pretrained(source / "checkpoint", dtype=torch.float32, attn_implementation="eager").eval()


def vectors(model):
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-1]
    last = hidden[torch.arange(len(ids)), mask.sum(1) - 1]
    return torch.nn.functional.normalize(last, dim=-1)


before = {name: value.clone() for name, value in base().state_dict().items()}
tensors = {"base/vectors": vectors(base())}
entries = []
for name, kind in KINDS.items():
    torch.manual_seed(sum(map(ord, name)))
    settings = dict(r=4, lora_alpha=8, lora_dropout=0.0, init_lora_weights="gaussian") | kind
    model = get_peft_model(base(), LoraConfig(**settings)).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * (0.1 if "lora_" in parameter_name else 0.05))
    model.save_pretrained(out / f"adapter-{name}")
    loaded = PeftModel.from_pretrained(base(), out / f"adapter-{name}").eval()
    live = vectors(loaded)
    merged = loaded.merge_and_unload()
    after = merged.state_dict()
    changed = [key for key in before if key in after and not torch.equal(after[key], before[key])]
    if name == "tokens":
        # PEFT gives the head the same rows though it is not tied; no vector depends on it.
        changed = [key for key in changed if key != "lm_head.weight"]
    tensors[f"{name}/vectors"] = vectors(merged)
    assert (tensors[f"{name}/vectors"] - live).abs().max() < 1e-6
    tensors |= {f"{name}/merged/{key}": after[key].clone() for key in changed}
    entries.append(dict(name=name, folder=f"adapter-{name}", meaning=name, changed=changed))
save_file({key: value.contiguous().clone() for key, value in tensors.items()}, out / "tensors.safetensors")
(out / "cases.json").write_text(json.dumps(cases | {"adapters": entries}))
