"""Options that many functions share: described once, spelled out for each of them."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["arguments_of", "spelled_out"]

_Function = TypeVar("_Function", bound=Callable)


def spelled_out(
    described: type, defaults: Mapping[str, Any], *inherited: type
) -> Callable[[_Function], _Function]:
    """Returns a decorator that spells `**options: Unpack[described]` out for those who ask.

    The signature of the function then has every option as a keyword, and its docstring the
    description of each; type checkers read both from the type. One without options stays as it is.

    >>> from typing import TypedDict
    >>> class Ink(TypedDict, total=False):
    ...     '''Options of all pens.
    ...
    ...     Args:
    ...       color: of the ink.
    ...     '''
    ...     color: str
    >>> @spelled_out(Ink, {"color": "blue"})
    ... def pen(width, **options):
    ...     '''Returns a pen.
    ...
    ...     Args:
    ...       width: of the line.
    ...       **options: `Ink`.
    ...     '''
    >>> str(inspect.signature(pen)), "color: of the ink." in pen.__doc__
    ("(width, *, color: str = 'blue')", True)

    Args:
      described: a `TypedDict` whose docstring has a section `Args`.
      defaults: the default of every option.
      *inherited: those that it is derived from, whose docstrings have sections of their own.
    """
    types = described.__annotations__
    entries = "".join(
        _documentation(part).partition("Args:\n")[2] for part in (described, *inherited)
    )

    def decorate(function):
        signature = inspect.signature(function)
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            return function
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        added = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name]
            )
            for name, default in defaults.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *added])
        place = f"  **options: `{described.__name__}`.\n"
        function.__doc__ = _documentation(function).replace(place, entries)
        return function

    return decorate


def arguments_of(
    class_name: str, parameters: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the arguments of a constructor with its `**options` among them, defaults filled in.

    >>> arguments_of("Pen", {"width": 2, "options": {"wet": True}}, {"wet": False, "name": None})
    {'wet': True, 'name': None, 'width': 2}

    Args:
      class_name: name of the class.
      parameters: the `dict(locals())` of its constructor.
      defaults: the default of every option.

    Raises:
      TypeError: if there is no such option.
    """
    own = dict(parameters)
    options = own.pop("options", {})
    if unknown := set(options) - set(defaults):
        raise TypeError(
            f"`{class_name}` has no argument {sorted(unknown)[0]!r}; beside its own it takes "
            f"{', '.join(defaults)}."
        )
    return {**defaults, **own, **options}


def _documentation(thing: type | Callable) -> str:
    """Returns its docstring, with the end of its last line; `python -OO` leaves none."""
    return (inspect.getdoc(thing) or "") + "\n"
