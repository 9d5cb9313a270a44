"""The commands that list what there is."""

import tfp_ebm.datasets
import tfp_ebm.models
from tfp_ebm.internal import checks
from tfp_ebm.models import registry

__all__ = ["datasets", "models"]

_KINDS = ("flow", "base", "noise", "posterior")


def models(name: str | None = None) -> None:
    """Prints the models, presets, flows and bases that `train` knows, or the options of one.

    >>> from tfp_ebm import runs
    >>> runs.models()
    model	...

    Args:
      name: a model, preset, flow or base, whose options are printed; None: all names.

    Raises:
      ValueError: if there is none of this name; the nearest one is suggested.
    """
    found = {
        "model": tfp_ebm.models.descriptions(),
        "preset": tfp_ebm.models.preset_names(),
        "flow": tfp_ebm.models.flow_names(),
        "base": tfp_ebm.models.base_names(),
    }
    if name is None:
        for kind, names in found.items():
            for own, text in names.items():
                print(f"{kind}\t{own}\t{text}")
        return
    checks.choice("MODEL", name, [own for names in found.values() for own in names])
    if name in found["model"] or name in found["preset"]:
        _print_model(name)
    for kind in ("flow", "base"):
        if name in found[kind]:
            _print_part(kind, name, {})


def _print_model(name):
    data = _data_of(name)
    spec = tfp_ebm.models.named_spec(name, data)
    for kind in _KINDS:
        if (part := getattr(spec, kind)) is not None:
            print(f"{kind}\t{part[0]}\t{registry.find(kind, part[0]).summary}")
    print(f"num_augmented\t{spec.num_augmented}\textra dimensions, as in VFlow")
    print("dtype\tfloat32\tof all variables, float32 or float64")
    for kind in _KINDS:
        if (part := getattr(spec, kind)) is not None:
            _print_part(kind, *part)


def _data_of(name):
    """Returns what a preset is for, or images that any model takes."""
    if name in tfp_ebm.models.preset_names():
        return None
    return tfp_ebm.models.DataSpec((8, 8, 1), 17, num_classes=2)


def _print_part(kind, name, own):
    for option, (default, summary) in tfp_ebm.models.part_options(kind, name).items():
        print(f"{kind}.{option}\t{own.get(option, default)}\t{summary}")


def datasets() -> None:
    """Prints the data sets that `train` knows, and what each is, separated by tabs.

    >>> from tfp_ebm import runs
    >>> import contextlib, io
    >>> with contextlib.redirect_stdout(io.StringIO()) as listing:
    ...     runs.datasets()
    >>> "digits" in listing.getvalue()
    True
    """
    for name, text in tfp_ebm.datasets.descriptions().items():
        print(f"{name}\t{text}")
    for name in tfp_ebm.datasets.density_names():
        print(f"{name}\tpoints of a density over the plane, 10000 + 2000 + 2000")
    print("tfds:NAME\tany images of one size in TensorFlow Datasets")
    print("PATH\ta .npz, .npy, .csv or .parquet file, or a folder of images")
