import inspect
from typing import TypedDict

from tfp_ebm.internal.spelled_options import spelled_out


class Ink(TypedDict, total=False):
    """Options of pens.

    Args:
      color: of the ink,
        which dries.
      wet: whether it is.
    """

    color: str
    wet: bool


def pen(width, nib="fine", **options):
    """Returns a pen.

    Args:
      width: of the line.
      nib: of the pen.
      **options: `Ink`.

    Raises:
      ValueError: never.
    """
    return width, nib, options


def test_options_are_spelled_out_for_those_who_ask():
    spelled = spelled_out(Ink, {"color": "blue", "wet": True})(pen)
    assert str(inspect.signature(spelled)) == (
        "(width, nib='fine', *, color: str = 'blue', wet: bool = True)"
    )
    text = inspect.getdoc(spelled)
    assert "\n  color: of the ink,\n    which dries.\n  wet: whether it is.\n\nRaises:" in text
    assert "**options" not in text
    assert spelled(2, wet=False) == (2, "fine", {"wet": False})


def test_a_function_without_options_stays_as_it_is():
    def plain(width):
        """Returns a line."""
        return width

    assert spelled_out(Ink, {})(plain) is plain and plain.__doc__ == "Returns a line."
