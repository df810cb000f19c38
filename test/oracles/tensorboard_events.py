"""Reads a folder of event files with TensorBoard's own reader and prints each tag's values.

    pip install tensorboard
    python test/oracles/tensorboard_events.py FOLDER
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1])
events.Reload()
for tag in events.Tags()["scalars"]:
    print(tag, [(event.step, event.value) for event in events.Scalars(tag)])
