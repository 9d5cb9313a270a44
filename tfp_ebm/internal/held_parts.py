"""What plain functions hold where TensorFlow does not look."""

import functools
import inspect
import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.keras import is_keras_3

__all__ = ["held_parts"]

# Of functions in functions, containers and attributes.
_MAX_DEPTH = 8
# Of a container; longer ones hold data.
_MAX_ENTRIES = 1000
_CODELESS = (types.ModuleType, type, str, bytes, int, float, complex, tf.Tensor, tf.DType)


def held_parts(function: Callable) -> Iterator[Any]:
    """Yields the modules, variables and Keras 3 layers that a plain callable holds.

    Looked through are closures, default arguments, `functools.partial`, bound methods, functions
    made by `tf.function` and decorators, containers, and of other objects the attributes that the
    function names. Globals, which a program may share, are not looked at.

    Args:
      function: the callable, no `tf.Module`.
    """
    yield from _search(function, frozenset(), _MAX_DEPTH, {})


def _search(value, names, depth, seen):
    """Yields parts of a value, which is used by code that names some attributes."""
    key = id(value), names  # Another method may use other attributes of the same object.
    if isinstance(value, types.MethodType):  # Made anew whenever it is asked for.
        key = id(value.__func__), id(value.__self__)
    if key in seen or depth < 0 or isinstance(value, _CODELESS):
        return
    seen[key] = value  # Kept, since the number of what is gone may be given again.
    if isinstance(value, tf.Module | tf.Variable) or _is_layer_of_keras_3(value):
        yield value
        return
    for part, used in _parts(value, names):
        yield from _search(part, used, depth - 1, seen)


def _is_layer_of_keras_3(value):
    return is_keras_3(value) and callable(value)


def _parts(value, names):
    """Yields what a value refers to, with the attributes of it that may be used."""
    if isinstance(value, functools.partial):
        for part in (value.func, value.args, value.keywords):
            yield part, names
    elif isinstance(value, types.MethodType):
        yield value.__func__, names
        owner, used = value.__self__, _names(value.__func__)
        if isinstance(owner, tf.Module) or _is_layer_of_keras_3(owner):
            yield owner, used
        else:  # Which is not called itself.
            yield from _attributes(owner, used)
    elif isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            try:
                yield cell.cell_contents, _names(value)
            except ValueError:  # An empty cell: not assigned yet.
                continue
        yield (value.__defaults__, value.__kwdefaults__), _names(value)
    elif isinstance(value, dict):
        yield from ((part, names) for part in itertools.islice(value.values(), _MAX_ENTRIES))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((part, names) for part in itertools.islice(value, _MAX_ENTRIES))
    else:
        for wrapped in ("python_function", "__wrapped__"):  # Of `tf.function`, and of decorators.
            if (part := getattr(value, wrapped, None)) is not None:
                yield part, names
        call = inspect.getattr_static(type(value), "__call__", None)
        if isinstance(call, types.FunctionType):
            yield types.MethodType(call, value), names
        yield from _attributes(value, names)


def _attributes(value, names):
    """Yields the attributes of an object that have some names, methods included."""
    for name, part in getattr(value, "__dict__", {}).items():
        if name in names:
            yield part, names
    for name in names:
        method = getattr(type(value), name, None)
        if isinstance(method, types.FunctionType):
            yield types.MethodType(method, value), names


def _names(function):
    """Returns the names that the code of a function uses, and that of functions inside it."""
    found, codes = set(), [getattr(function, "__code__", None)]
    while codes:
        code = codes.pop()
        if isinstance(code, types.CodeType):
            found.update(code.co_names)
            codes += code.co_consts
    return frozenset(found)
