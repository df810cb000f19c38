"""Folders that bifocal writes, opened by transformers and PEFT, and folders of PEFT opened by
bifocal: the cosines between both programs' vectors.

    npm run build
    python -m venv .venv && .venv/bin/pip install torch "transformers<5" peft pillow
    .venv/bin/python test/oracles/peft_round_trip.py CHECKPOINT... [--folder TUNED...]

A TUNED folder is one that `bifocal tune` or `bifocal merge` has written, of a LLaVA or Qwen2-VL,
with the pooling last or mean. It is opened in Python and its vectors are compared. A CHECKPOINT is a small LLaVA or Qwen2-VL in f32, f16 or bf16. For each, bifocal writes an adapter
of every kind (LoRA, rank-stabilised on VLM2Vec's list, DoRA, modules to save, rank patterns), whole
weights, merged checkpoints and two joined adapters, with values as after a training. PEFT trains an
adapter of three kinds for some steps. Exits 1 where a cosine is below 0.99999, where a tensor of a
folder is missing or unexpected in Python, or where an adapter changes no vector.
Written with torch 2.13, transformers 4.57.6, peft 0.21.2.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from PIL import Image
from safetensors import safe_open
from transformers import AutoModelForImageTextToText, AutoProcessor, AutoTokenizer, Qwen2VLImageProcessor

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "test" / "oracles" / "tuned_folders.mjs"
LEAST = 0.99999

torch.set_num_threads(1)
torch.manual_seed(1)


def node(*arguments):
    done = subprocess.run(["node", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def qwen_processor(path):
    """AutoProcessor also opens a processor of videos, which needs torchvision; here are none."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    images = Qwen2VLImageProcessor.from_pretrained(path)

    def process(text, images_given, return_tensors):
        seen = {}
        if images_given is not None:
            seen = dict(images(images=images_given, return_tensors=return_tensors))
            tokens = int(seen["image_grid_thw"].prod()) // images.merge_size**2
            text = text.replace("<|image_pad|>", "<|image_pad|>" * tokens)
        return {**tokenizer(text, return_tensors=return_tensors), **seen}

    return process


def open_processor(path, is_qwen):
    if is_qwen:
        return qwen_processor(path)
    processor = AutoProcessor.from_pretrained(path)
    return lambda text, images, return_tensors: processor(text=text, images=images, return_tensors=return_tensors)


def open_model(path):
    """A checkpoint in f32, with the names that did not fit."""
    model, loading = AutoModelForImageTextToText.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    problems = [f"{kind}: {sorted(loading[kind])}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if loading[kind]]
    # A head that is tied, or that the file has none of, is no part of a vector.
    return model.eval(), [problem for problem in problems if "lm_head" not in problem]


def vectors(model, processor, items, placeholder, prompts=None, pool="last"):
    """Unit vectors after the final norm. One item at a time: no padding."""
    rows = []
    for number, item in enumerate(items):
        image = item.get("image")
        prompt = prompts[number] if prompts else (placeholder if image else "") + item["text"]
        inputs = processor(prompt, Image.open(image).convert("RGB") if image else None, "pt")
        hidden = model(**inputs, output_hidden_states=True).hidden_states[-1][0]
        rows.append(torch.nn.functional.normalize(hidden[-1] if pool == "last" else hidden.mean(0), dim=-1))
    return torch.stack(rows)


def drawn_items(folder):
    """Two texts and two pictures of noise."""
    draws = np.random.default_rng(1)
    items = [{"text": "a man on a horse near a lake"}, {"text": "something blue"}]
    for number, (height, width) in enumerate([(56, 84), (91, 70)]):
        path = folder / f"{number}.png"
        Image.fromarray(draws.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(path)
        items.append({"text": "what is it?", "image": str(path)})
    return items


def is_qwen2_vl(checkpoint):
    return json.loads((checkpoint / "config.json").read_text())["model_type"] == "qwen2_vl"


def least_cosine(ours, theirs):
    return float((np.asarray(ours) * theirs.detach().numpy()).sum(-1).min())


def open_adapter(base, folder):
    """A PEFT model, and the tensors of the folder that PEFT did not take, or did not find there."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base, folder).eval()
    problems = [str(one.message)[:200] for one in caught if "key" in str(one.message).lower()]
    taken = get_peft_model_state_dict(model)
    with safe_open(folder / "adapter_model.safetensors", "pt") as stored:
        names = set(stored.keys())
        problems += [f"not in the folder: {name}" for name in sorted(set(taken) - names)]
        problems += [f"not in PEFT: {name}" for name in sorted(names - set(taken))]
        problems += [f"other values: {name}" for name in names & set(taken) if not torch.equal(stored.get_tensor(name), taken[name])]
    return model, problems


def trained_by_peft(checkpoint, processor, items, placeholder, config, folder):
    """Some steps that pull the items' vectors apart, and the vectors after them."""
    model, _ = open_model(checkpoint)
    model = get_peft_model(model, config).eval()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02)
    for _ in range(5):
        found = vectors(model, processor, items, placeholder)
        (found @ found.T).triu(1).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return vectors(model, processor, items, placeholder)


def check(checkpoint, folder):
    is_qwen = is_qwen2_vl(checkpoint)
    processor = open_processor(checkpoint, is_qwen)
    placeholder = "<|vision_start|><|image_pad|><|vision_end|>" if is_qwen else "<image>"
    items = drawn_items(folder)
    listed = folder / "items.json"
    listed.write_text(json.dumps({"placeholder": placeholder, "items": items}))

    plain, problems = open_model(checkpoint)
    before = vectors(plain, processor, items, placeholder)
    failed = len(problems)
    for problem in problems:
        print(f"  base: {problem}")

    def report(name, cosine, problems, after):
        moved = least_cosine(before.detach().numpy(), after)
        good = cosine >= LEAST and not problems and moved < 0.999
        print(f"  {name:26} cosine {cosine:.7f}   to the base {moved:.4f}   {'ok' if good else 'FAILED'}")
        for problem in problems:
            print(f"    {problem}")
        return 0 if good else 1

    print(f"{checkpoint}: written by bifocal, opened by transformers and PEFT")
    written = node("write", checkpoint, folder / "written", listed)
    for name, ours in written.items():
        at = folder / "written" / name
        if (at / "adapter_config.json").exists():
            model, problems = open_adapter(open_model(checkpoint)[0], at)
        else:
            model, problems = open_model(at)
        own = open_processor(at, is_qwen) if (at / "config.json").exists() else processor
        theirs = vectors(model, own, items, placeholder)
        failed += report(name, least_cosine(ours, theirs), problems, theirs)

    print(f"{checkpoint}: trained by PEFT, opened by bifocal")
    projector = "visual.merger" if is_qwen else "multi_modal_projector"
    settings = {
        "peft-lora": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"]),
        "peft-dora": dict(r=4, lora_alpha=8, target_modules="all-linear", use_dora=True),
        "peft-saved": dict(r=4, lora_alpha=8, target_modules=["q_proj"], modules_to_save=[projector], use_rslora=True),
    }
    for name, given in settings.items():
        theirs = trained_by_peft(checkpoint, processor, items, placeholder, LoraConfig(**given), folder / name)
        ours = node("embed", folder / name, checkpoint, listed)
        failed += report(name, least_cosine(ours, theirs), [], theirs)
    return failed


def check_tuned(tuned, folder):
    """A folder of `bifocal tune`: its own prompts and pooling."""
    items = drawn_items(folder)
    listed = folder / "items.json"
    listed.write_text(json.dumps({"placeholder": "", "items": items}))
    found = node("describe", tuned, listed)
    base = Path(found["base"])
    processor = open_processor(base, is_qwen2_vl(base))
    plain, problems = open_model(base)
    if (tuned / "adapter_config.json").exists():
        model, more = open_adapter(plain, tuned)
        problems += more
    else:
        model = plain
    theirs = vectors(model, processor, items, "", found["prompts"], found["pool"])
    cosine = least_cosine(found["vectors"], theirs)
    good = cosine >= LEAST and not problems
    print(f"{tuned}: pooling {found['pool']}, cosine {cosine:.7f}   {'ok' if good else 'FAILED'}")
    for problem in problems:
        print(f"    {problem}")
    return 0 if good else 1


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("checkpoint", nargs="*", type=Path)
parser.add_argument("--folder", nargs="*", type=Path, default=[])
arguments = parser.parse_args()
if not arguments.checkpoint and not arguments.folder:
    parser.error("name a checkpoint or a tuned folder")
failures = 0
for run, given in [(check, arguments.checkpoint), (check_tuned, arguments.folder)]:
    for path in given:
        with tempfile.TemporaryDirectory() as temporary:
            failures += run(path.resolve(), Path(temporary))
sys.exit(1 if failures else 0)
