"""Objects that equal none but themselves."""

__all__ = ["EqualByIdentity"]


class EqualByIdentity:
    """A mixin for bijectors that own networks, which equal no other anyway.

    TensorFlow Probability hashes all parameters of a bijector, twice for each level of nesting, at
    every call.
    """

    def __hash__(self) -> int:
        """Returns a number of the object alone."""
        return id(self)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same object."""
        return self is other
