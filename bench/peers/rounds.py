"""What the peers share: one run for each line on standard input, one line of JSON about it on
standard output."""

import json
import sys
import time

import torch


def answer(**fields):
    print(json.dumps(fields), flush=True)


def serve(run):
    """`run()` does one piece of work and gives what to report beside its time."""
    answer(ready=True, torch=torch.__version__, threads=torch.get_num_threads())
    for _ in sys.stdin:
        wall, busy = time.perf_counter(), time.process_time()
        fields = run()
        answer(wall=1000 * (time.perf_counter() - wall), busy=1000 * (time.process_time() - busy), **fields)
