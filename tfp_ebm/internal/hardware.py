"""What this machine's processors can do."""

import pathlib

import tensorflow as tf

__all__ = ["has_bfloat16_units"]


def has_bfloat16_units(cpu_flags: str | None = None) -> bool:
    """Whether bfloat16 products run in hardware: on a GPU, or by AMX or AVX-512 BF16.

    Args:
      cpu_flags: words that name the processor's features; by default those of this machine.
    """
    if cpu_flags is None:
        if tf.config.list_physical_devices("GPU"):
            return True
        path = pathlib.Path("/proc/cpuinfo")
        cpu_flags = path.read_text() if path.is_file() else ""
    return bool({"amx_bf16", "avx512_bf16"} & set(cpu_flags.split()))
