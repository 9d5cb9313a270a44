"""Errors in one line, for a terminal."""

import re

import tensorflow as tf

__all__ = ["one_line"]

# TensorFlow puts the frames of the program before what happened in a graph, and names of nodes and
# operations around it; tf_keras puts the frames of traced functions there.
_LAYER, _ARGUMENTS = "Exception encountered when calling layer", "Call arguments received by layer"
_FRAME, _USER_CODE = 'File "', "in user code:"
_NOISE = re.compile(
    r"^\{\{function_node .*?\}\}\s*|^\(\d+\)\s+[\w ]+:\s+|\s*\[Op:.*$|\s*\[\[\{\{node .*$"
)
_OUT_OF_MEMORY = "; memory ran out: take a smaller batch or model, or free some."


def one_line(error: BaseException) -> str:
    """Returns what an error says, in one line that is not empty, without frames of a program.

    Args:
      error: the error.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    is_traced = bool(lines) and lines[0].startswith(_USER_CODE)
    frames = [index for index, line in enumerate(lines) if line.startswith(_FRAME)]
    if frames and (is_traced or isinstance(error, tf.errors.OpError)):
        # Under a frame of traced code stands its line of source.
        lines = lines[frames[-1] + (2 if is_traced else 1) :]
    ends = [index for index, line in enumerate(lines) if line.startswith(_ARGUMENTS)]
    lines = [line for line in lines[: ends[0] if ends else None] if _LAYER not in line]
    if is_traced:
        lines[:1] = [re.sub(r"^\w+: ", "", line) for line in lines[:1]]
    if isinstance(error, tf.errors.OpError):
        lines = [line for line in lines if not line.endswith("root error(s) found.")][:1]
        lines = [_NOISE.sub("", _NOISE.sub("", line)) for line in lines]
    text = " ".join(lines) or type(error).__name__
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        text = text.rstrip(".;") + _OUT_OF_MEMORY
    return text
