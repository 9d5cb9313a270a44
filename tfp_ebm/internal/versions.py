"""Checks that the packages this one builds on are there and new enough, in one clear line."""

import importlib

__all__ = ["check_partners"]

_PARTNERS = {
    "tensorflow": ("tensorflow", (2, 21)),
    "tf_keras": ("tf-keras", (2, 21)),
    "tensorflow_probability": ("tensorflow-probability", (0, 25)),
}
_REMEDY = (
    'pip install "tensorflow>=2.21,<2.22" "tf-keras>=2.21,<2.22" '
    '"tensorflow-probability>=0.25,<0.26"'
)


def check_partners() -> None:
    """Imports TensorFlow, tf-keras and TensorFlow Probability and checks their versions.

    Raises:
      ImportError: one line naming the package, its version, and the command that installs it.
    """
    for module_name, (package, minimum) in _PARTNERS.items():
        needed = ".".join(map(str, minimum))
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise ImportError(
                f"tfp_ebm needs {package} {needed}, which cannot be imported ({error}): {_REMEDY}"
            ) from None
        version = tuple(int(part) for part in module.__version__.split(".")[:2])
        if version < minimum:
            raise ImportError(
                f"tfp_ebm needs {package} {needed} or newer, found {module.__version__}: {_REMEDY}"
            )
