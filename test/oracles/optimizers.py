"""Traces of torch.optim.AdamW and torch.optim.Muon for src/learning/training/*.test.ts.

    python test/oracles/optimizers.py > test/fixtures/training/optimizers.json

Gradients are sin waves that the test computes too. torch's Muon iterates in bfloat16; here the same
code runs in float64, so that the trace tells mistakes from rounding.
"""

import json
import math

import torch

torch.set_num_threads(1)
torch.Tensor.bfloat16 = torch.Tensor.double


def wave(dims, frequency, phase):
    count = math.prod(dims)
    return torch.tensor([math.sin(i * frequency + phase) for i in range(count)], dtype=torch.float64).reshape(dims)


def trace(dims, make, rates, idle=()):
    parameter = torch.nn.Parameter(wave(dims, 0.37, 0.0))
    optimizer = make([parameter])
    after = []
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        parameter.grad = None if step in idle else wave(dims, 0.11, float(step)) * 0.3
        optimizer.step()
        after.append([float(f"{v:.9g}") for v in parameter.detach().flatten().tolist()])
    return {"dims": dims, "rates": rates, "after": after, "idle": list(idle)}


def main():
    rates = [0.0, 0.01, 0.02, 0.015]
    adamw = lambda **options: lambda parameters: torch.optim.AdamW(parameters, lr=1.0, **options)
    muon = lambda **options: lambda parameters: torch.optim.Muon(parameters, lr=1.0, **options)
    cases = {
        "adamw": trace([3, 4], adamw(weight_decay=0.1), rates),
        "adamw-betas": trace([5], adamw(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.0), rates),
        "adamw-idle": trace([4], adamw(weight_decay=0.1), rates, idle=(0, 2)),
        "muon-wide": trace([3, 5], muon(weight_decay=0.1), rates),
        "muon-tall": trace([6, 2], muon(weight_decay=0.0), rates),
        "muon-idle": trace([4, 3], muon(weight_decay=0.0), rates, idle=(1,)),
        "muon-rms": trace([4, 3], muon(weight_decay=0.05, adjust_lr_fn="match_rms_adamw"), rates),
    }
    print(json.dumps({"torch": torch.__version__, "cases": cases}))


main()
