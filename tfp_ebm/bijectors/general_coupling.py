"""Couplings of any number of parts by operations that can be undone."""

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.conditioners import check_callable, check_tracked
from tfp_ebm.bijectors.integer_operations import InvertibleOperation, rounded_addition
from tfp_ebm.internal.construction import bijector_arguments
from tfp_ebm.internal.identity import EqualByIdentity
from tfp_ebm.internal.types import TensorLike

__all__ = ["GeneralCoupling"]


class GeneralCoupling(EqualByIdentity, tfp.bijectors.Bijector):
    """Changes the parts of an event one after the other, by operations that have inverses.

        x_1, ..., x_D = split(x)
        y_d = (g_d(y_1, ..., y_(d-1)) > x_d) o f_d(y_1, ..., y_(d-1), x_(d+1), ..., x_D)
        x_d = undo_>(undo_o(y_d, f_d(y_1, ..., x_(d+1), ...)), g_d(y_1, ...)),   d = D, ..., 1

    for any functions f_d, g_d and any operations `o` and `>` with inverses. By default `o` adds
    rounded numbers, so that whole numbers stay whole: with two parts and f_1 left out it is the
    coupling of integer discrete flows, with four parts the quadripartite one. The operations are
    those of a map between whole numbers, which has no volume to change: the log-determinant is
    exactly 0. An operation that stretches real numbers has no place here; `Coupling` has.

    Each function is called once for a value, in either direction; inverses take the parts in turn.

    #### Example: a bipartite and a quadripartite coupling of eight integers

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> from tfp_ebm.networks import MLP
    >>> tfb = tfp.bijectors
    >>> two = GeneralCoupling(tfb.Split(2), [None, MLP(4, 4)])
    >>> four = GeneralCoupling(tfb.Split(4), [MLP(6, 2) for _ in range(4)])
    >>> x = tf.constant([[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]])
    >>> bool(tf.reduce_all(four.inverse(four.forward(x) + 0) == x)), len(two.trainable_variables)
    (True, 6)

    #### Example: operations of one's own, exclusive or of bits

    >>> def exclusive_or(a, b):
    ...     return tf.math.floormod(a + b, 2.0)
    >>> bits = GeneralCoupling(
    ...     tfb.Split(2),
    ...     [None, tf.identity],
    ...     operation=InvertibleOperation(exclusive_or, exclusive_or),
    ... )
    >>> bits.forward(tf.constant([1.0, 0.0, 1.0, 1.0])).numpy().tolist()
    [1.0, 0.0, 0.0, 1.0]

    Source: Tomczak, "Deep Generative Modeling", proposition 3.1 and equations 3.35 to 3.40, whose
    listing makes networks `t_a` and calls `t`.
    """

    def __init__(
        self,
        split: tfp.bijectors.Bijector,
        functions: Sequence[Callable[[tf.Tensor], TensorLike] | None],
        operation: InvertibleOperation | Sequence[InvertibleOperation] | None = None,
        inner_functions: Sequence[Callable[[tf.Tensor], TensorLike] | None] | None = None,
        inner_operation: InvertibleOperation | Sequence[InvertibleOperation] | None = None,
        event_rank: int = 1,
        validate_args: bool = False,
        name: str = "general_coupling",
    ) -> None:
        """Constructs the coupling.

        Args:
          split: multipart bijector into D parts that may lie side by side along the last axis, such
            as `tfb.Split(4)`, or a chain of it and a `tfb.Permute`.
          functions: f_d, each of the other parts, in their order, side by side along the last axis;
            None leaves the operation of a part out. Built tf_keras layers or callable `tf.Module`s
            are tracked and train.
          operation: `o`, of all parts or one for each; None: `rounded_addition()`.
          inner_functions: g_d, each of the parts before it side by side; None: none. That of the
            first part must be None.
          inner_operation: `>`, of all parts or one for each; None: `rounded_addition()`.
          event_rank: rank of the events, 1 for vectors, 3 for images.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          TypeError: if an argument has the wrong type, or is a Keras 3 layer.
          ValueError: if there is not a function for each part, the first part has an inner one, or
            a plain function holds variables, which would silently not train.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            if not isinstance(split, tfp.bijectors.Bijector):
                raise TypeError(
                    "`split` must be a multipart bijector such as tfb.Split(2), got "
                    f"{type(split).__name__}."
                )
            num_parts = len(split.inverse_min_event_ndims)
            inner = [None] * num_parts if inner_functions is None else list(inner_functions)
            if inner and inner[0] is not None:
                raise ValueError("`inner_functions` must start with None: nothing comes before.")
            self._split = split
            self._functions = _checked("functions", functions, num_parts, self)
            self._inner_functions = _checked("inner_functions", inner, num_parts, self)
            self._operations = _operations("operation", operation, num_parts)
            self._inner_operations = _operations("inner_operation", inner_operation, num_parts)
            super().__init__(
                **bijector_arguments(parameters, name, event_rank, is_constant_jacobian=True)
            )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @property
    def split(self) -> tfp.bijectors.Bijector:
        """The split."""
        return self._split

    @property
    def functions(self) -> tuple[Callable | None, ...]:
        """The functions f_d."""
        return tuple(self._functions)

    def _changes(self, parts, index):
        """Returns the operation and number of each change of a part, in the order of `forward`."""
        changes = []
        if self._inner_functions[index] is not None:
            before = tf.concat(parts[:index], axis=-1)
            number = self._inner_functions[index](before)
            changes.append((self._inner_operations[index], number))
        if self._functions[index] is not None:
            others = [part for place, part in enumerate(parts) if place != index]
            number = self._functions[index](tf.concat(others, axis=-1))
            changes.append((self._operations[index], number))
        return changes

    def _forward(self, x):
        parts = list(self._split.forward(x))
        for index in range(len(parts)):
            for operation, number in self._changes(parts, index):
                parts[index] = operation.apply(parts[index], number)
        return self._split.inverse(parts)

    def _inverse(self, y):
        parts = list(self._split.forward(y))
        for index in reversed(range(len(parts))):
            for operation, number in reversed(self._changes(parts, index)):
                parts[index] = operation.undo(parts[index], number)
        return self._split.inverse(parts)

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)

    def _inverse_log_det_jacobian(self, y):
        return tf.zeros([], y.dtype)


def _checked(name, functions, num_parts, owner):
    functions = list(functions)
    if len(functions) != num_parts:
        raise ValueError(
            f"`{name}` must have an entry for each of the {num_parts} parts of `split`, None where "
            f"a part has none, got {len(functions)}."
        )
    for function in functions:
        if function is not None:
            check_callable(name, function)
            check_tracked(name, function, [owner, *functions])
    return functions


def _operations(name, operation, num_parts):
    if operation is None:
        operation = rounded_addition()
    operations = operation
    if isinstance(operation, InvertibleOperation):
        operations = [operation] * num_parts
    is_list = isinstance(operations, list | tuple) and len(operations) == num_parts
    if not is_list or not all(isinstance(entry, InvertibleOperation) for entry in operations):
        raise TypeError(
            f"`{name}` must be an InvertibleOperation, or one for each of the {num_parts} parts, "
            f"got {operation!r}."
        )
    return operations
