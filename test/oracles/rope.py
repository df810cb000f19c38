"""Scaled rotations as transformers computes them: writes test/fixtures/rope/scaling.json.

    python test/oracles/rope.py test/fixtures/rope/scaling.json

Made with torch 2.13.0 and transformers 4.57.6, one thread, float32 as the models run.
"""

import json
import sys

import torch
from transformers import LlamaConfig, Qwen2Config, Qwen2_5_VLTextConfig, Qwen3VLTextConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRotaryEmbedding
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextRotaryEmbedding

torch.set_num_threads(1)

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
SMALL = {"hidden_size": 256, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 4096}
LLAMA_8B = {"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "rope_theta": 500000.0}
QWEN_7B = {"hidden_size": 3584, "num_attention_heads": 28, "num_key_value_heads": 4, "rope_theta": 1000000.0}

CASES = [
    ("plain", "llama", {**SMALL, "rope_scaling": {"rope_type": "default"}}),
    ("linear, older key", "llama", {**SMALL, "rope_scaling": {"type": "linear", "factor": 4.0}}),
    ("dynamic, within its length", "llama", {**SMALL, "rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}),
    ("Llama 3.1 8B", "llama", {**LLAMA_8B, "max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", **LLAMA3}}),
    ("Llama 3.2, another factor", "llama", {**SMALL, "head_dim": 64, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", **LLAMA3, "factor": 32.0}}),
    (
        "Qwen2.5 7B with YaRN",
        "qwen2",
        {**QWEN_7B, "max_position_embeddings": 32768, "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}},
    ),
    ("YaRN without an original length", "qwen2", {**SMALL, "rope_scaling": {"rope_type": "yarn", "factor": 2.5}}),
    (
        "YaRN, every key",
        "llama",
        {
            **SMALL,
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 8.0,
                "original_max_position_embeddings": 512,
                "beta_fast": 16.0,
                "beta_slow": 2.0,
                "mscale": 0.707,
                "mscale_all_dim": 1.2,
                "truncate": False,
            },
        },
    ),
    ("YaRN, a given magnitude", "llama", {**SMALL, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "attention_factor": 0.9}}),
    ("YaRN, a ramp of no width", "llama", {**SMALL, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 2.0, "beta_slow": 2.0, "truncate": False}}),
    (
        "Qwen2.5-VL with YaRN",
        "qwen2.5-vl",
        {
            **QWEN_7B,
            "max_position_embeddings": 32768,
            "rope_scaling": {"type": "yarn", "mrope_section": [16, 24, 24], "factor": 4.0, "original_max_position_embeddings": 32768},
        },
    ),
    (
        "Qwen3-VL with YaRN",
        "qwen3-vl",
        {
            "hidden_size": 2048,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "rope_theta": 5000000.0,
            "max_position_embeddings": 1000000,
            "rope_scaling": {
                "rope_type": "yarn",
                "mrope_section": [24, 20, 20],
                "mrope_interleaved": True,
                "factor": 3.0,
                "original_max_position_embeddings": 262144,
            },
        },
    ),
]
CLASSES = {
    "llama": (LlamaConfig, LlamaRotaryEmbedding),
    "qwen2": (Qwen2Config, Qwen2RotaryEmbedding),
    "qwen2.5-vl": (Qwen2_5_VLTextConfig, Qwen2_5_VLRotaryEmbedding),
    "qwen3-vl": (Qwen3VLTextConfig, Qwen3VLTextRotaryEmbedding),
}
POSITIONS = [1, 300]


def case(name, kind, config):
    config_class, rotary_class = CLASSES[kind]
    rotary = rotary_class(config_class(**json.loads(json.dumps(config))))
    positions = torch.tensor([POSITIONS])
    if kind in ("qwen2.5-vl", "qwen3-vl"):
        # Text: the three numbers of a position are equal.
        positions = positions[None].expand(3, 1, -1)
    cos, sin = rotary(torch.zeros(1, dtype=torch.float32), positions)
    if kind == "qwen2.5-vl":
        # This one leaves the choice of a number to the attention.
        cos, sin = cos[0], sin[0]
    half = cos.shape[-1] // 2
    return {
        "name": name,
        "kind": kind,
        "config": config,
        "frequencies": rotary.inv_freq.tolist(),
        "magnitude": float(rotary.attention_scaling),
        "cos": cos[0, :, :half].flatten().tolist(),
        "sin": sin[0, :, :half].flatten().tolist(),
    }


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return {key: rounded(each) for key, each in value.items()} if isinstance(value, dict) else value


with open(sys.argv[1], "w") as file:
    json.dump(rounded({"positions": POSITIONS, "cases": [case(*each) for each in CASES]}), file)
    file.write("\n")
