"""Fourteen kinds of PEFT adapter folder on a tiny LLaVA with random weights, each merged by PEFT: a
fixture of kind merge.

    python test/oracles/adapters.py test/fixtures/adapters && npx bifocal verify --golden test/fixtures/adapters

Biases, embedding tables, convolutions, trained tokens, excluded modules, layers without a pattern,
and whole modules of every size, beside the kinds that the golden fixture has. Written with peft
0.21.2, transformers 4.57.6.
"""

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, PreTrainedTokenizerFast

torch.set_num_threads(1)

TEXTS = ["a man on a horse near a lake", "a dog", "something blue and round", "no"]
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
    "tokens": dict(target_modules=["q_proj"], trainable_token_indices=[1, 7, 5]),
    "fan-in-fan-out": dict(target_modules=["q_proj"], fan_in_fan_out=True),
    "saved": dict(target_modules=["q_proj"], modules_to_save=["post_attention_layernorm", "multi_modal_projector", "embed_tokens"]),
    "head": dict(target_modules=["q_proj", "lm_head"]),
}

out = Path(sys.argv[1])
shutil.rmtree(out, ignore_errors=True)
checkpoint = out / "checkpoint"

# One id a word; the picture's placeholder is among them because the family asks for it.
marks = ["<unk>", "<s>", "</s>", "<image>", "<pad>"]
words = marks + sorted({word for text in TEXTS for word in text.split()})
words_to_ids = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
words_to_ids.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
words_to_ids.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=words_to_ids, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>", padding_side="right"
)
tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
tokenizer.save_pretrained(checkpoint)
CLIPImageProcessor(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}).save_pretrained(checkpoint)

sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2)
tower = CLIPVisionConfig(**sizes, num_attention_heads=2, image_size=8, patch_size=4)
decoder = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, vocab_size=24, max_position_embeddings=64)
special = dict(image_token_index=words.index("<image>"), pad_token_id=words.index("<pad>"))
config = LlavaConfig(tower, decoder, **special, image_seq_length=4, tie_word_embeddings=False)
fresh = LlavaForConditionalGeneration(config)
torch.manual_seed(20)
with torch.no_grad():
    for parameter in fresh.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.25 if parameter.dim() > 1 else 1 + torch.randn_like(parameter) * 0.1)
fresh.save_pretrained(checkpoint)
(checkpoint / "generation_config.json").unlink(missing_ok=True)

padded = tokenizer(TEXTS, padding=True)
ids, mask = torch.tensor(padded["input_ids"]), torch.tensor(padded["attention_mask"])


def base():
    return LlavaForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()


def vectors(model):
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-1]
    last = hidden[torch.arange(len(ids)), mask.sum(1) - 1]
    return torch.nn.functional.normalize(last, dim=-1)


before = {name: value.clone() for name, value in base().state_dict().items()}
tensors = {"base/vectors": vectors(base())}
entries = []
for name, kind in KINDS.items():
    folder = out / f"adapter-{name}"
    torch.manual_seed(sum(map(ord, name)))
    settings = dict(r=2, lora_alpha=4, lora_dropout=0.0, init_lora_weights="gaussian") | kind
    model = get_peft_model(base(), LoraConfig(**settings)).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * (0.1 if "lora_" in parameter_name else 0.05))
    model.save_pretrained(folder)
    loaded = PeftModel.from_pretrained(base(), folder).eval()
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
    entries.append(dict(name=name, folder=folder.name, meaning=name, changed=changed))
    # Where the fixture was made is nobody's business.
    (folder / "README.md").unlink(missing_ok=True)
    written = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(written | {"base_model_name_or_path": "checkpoint"}, indent=1) + "\n")
save_file({key: value.contiguous().clone() for key, value in tensors.items()}, out / "tensors.safetensors")
cases = dict(
    format=1,
    kind="merge",
    family="llava",
    versions={package: version(package) for package in ("torch", "transformers", "tokenizers", "peft")},
    pooling="last",
    padding_side="right",
    texts=TEXTS,
    input_ids=ids.tolist(),
    attention_mask=mask.tolist(),
    tolerance=dict(merged=2e-6, vectors=1e-5),
    adapters=entries,
)
(out / "cases.json").write_text(json.dumps(cases) + "\n")
