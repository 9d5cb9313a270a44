"""Checks that the packages this one builds on are there and new enough, in one clear line."""

import importlib.metadata
import importlib.util
import sys

__all__ = ["check_partners"]

# Module: the distributions that may carry it, and the oldest version.
_PARTNERS = {
    "tensorflow": (("tensorflow", "tensorflow-cpu", "tf-nightly"), (2, 18)),
    "tf_keras": (("tf-keras", "tf-keras-nightly"), (2, 18)),
    "tensorflow_probability": (("tensorflow-probability", "tfp-nightly"), (0, 25)),
}
_REMEDY = (
    'pip install "tensorflow>=2.18,<2.22" "tf-keras>=2.18,<2.22" '
    '"tensorflow-probability>=0.25,<0.26"'
)


def _installed_version(distributions: tuple[str, ...]) -> str | None:
    for distribution in distributions:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def check_partners() -> None:
    """Checks TensorFlow, tf-keras and TensorFlow Probability, without importing them.

    Raises:
      ImportError: one line naming the package, its version, and the command that installs it; or
        that Python drops docstrings.
    """
    if sys.flags.optimize > 1:
        raise ImportError(
            "tf-keras and TensorFlow Probability change their own docstrings while they are "
            "imported, and `python -OO` has dropped them; `python -O` drops asserts alone."
        )
    for module, (distributions, minimum) in _PARTNERS.items():
        needed = f"{distributions[0]} {'.'.join(map(str, minimum))}"
        version = _installed_version(distributions)
        if version is None:
            # A build under another name has no version to compare.
            if importlib.util.find_spec(module) is None:
                raise ImportError(f"tfp_ebm needs {needed}, which is not installed: {_REMEDY}")
        elif tuple(int(part) for part in version.split(".")[:2]) < minimum:
            raise ImportError(f"tfp_ebm needs {needed} or newer, found {version}: {_REMEDY}")
