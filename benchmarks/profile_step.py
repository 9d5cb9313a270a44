"""What a training step of the small 28x28 flow spends its time on.

    python benchmarks/profile_step.py --output benchmarks/results/profile_step.json

TensorFlow's profiler records some steps with operations one at a time, each on all cores. The part
of an operation is read off its name.
"""

import os
import pathlib
import re
import tempfile

import harness
import training_step

NUM_STEPS = 5
# The first pattern that is found in a name decides; names of gradients begin with `gradient_tape`.
PARTS = {
    "convolutions and their gradients": r"/conv2d",
    "layer norms": r"/layer_normalization",
    "random bits of dropout": r"/gated_convolution.*/stateless_random",
    "gates": r"/gated_convolution.*/(dense|Sigmoid|add|split|mul)|^gradient.*_convolution.*/concat",
    "concat_elu, forward": r"/gated_convolution.*/(Elu|concat|Neg)",
    "compiled by XLA: gradient of concat_elu, masks, mixtures": r"^CpuExecutable",
    "Adam": r"^Adam",
    "all else": r"",
}
SCHEDULER = ("ExecutorState", "ExecutorDone", "ThreadpoolListener")


def profile(**case):
    """Milliseconds of a step by part."""
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    import tensorflow as tf

    step, _ = training_step.make_step(**case)
    for _ in range(3):
        step()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(NUM_STEPS):
            step()
        tf.profiler.experimental.stop()
        (record,) = pathlib.Path(folder).rglob("*.xplane.pb")
        events = _read(record.read_bytes())
    spent = dict.fromkeys(PARTS, 0.0)
    for picoseconds, name in _outermost(events):
        part = next(part for part, pattern in PARTS.items() if re.search(pattern, name))
        spent[part] += picoseconds / NUM_STEPS / 1e9
    return spent


def _read(record):
    """Returns start, duration and name of what the thread of operations did, in order."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(record)
    plane = next(plane for plane in space.planes if plane.name == "/host:CPU")
    (line,) = (line for line in plane.lines if line.name.startswith("tf_Compute"))
    events = [
        (event.offset_ps, event.duration_ps, plane.event_metadata[event.metadata_id].name)
        for event in line.events
    ]
    events = [event for event in events if not event[2].startswith(SCHEDULER)]
    return sorted(events, key=lambda event: (event[0], -event[1]))


def _outermost(events):
    """Yields duration and name of the events that are not inside another."""
    end = 0
    for start, duration, name in events:
        if start >= end:
            end = start + duration
            yield duration, name


def summarize(rows):
    """Returns the share of every part, and the whole."""
    spent = rows[0]["profile"]
    total = sum(spent.values())
    return {"step_milliseconds": total, **{part: ms / total for part, ms in spent.items()}}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"profile": profile}, training_step.CASES, summarize)
