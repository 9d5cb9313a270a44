"""What most often is behind a check that fails, in words that its message ends with."""

__all__ = [
    "CONVERTED",
    "HIDDEN",
    "LITERAL",
    "NOT_SUMMED",
    "NO_COMPONENT",
    "STATEFUL",
    "STOPPED",
    "UNSELECTED",
]

CONVERTED = (
    "A likely cause: the constructor converted it, by `tf.convert_to_tensor` or arithmetic, so "
    "that the value of that moment is used for ever; keep it as given, and convert where it is "
    "used. Otherwise nothing depends on it."
)
STOPPED = (
    "A likely cause: `tf.stop_gradient`, a rounding, or a function that is flat where it stands."
)
UNSELECTED = (
    "A likely cause: a logarithm, root or quotient at the edge of its domain, also in the branch "
    "of a `tf.where` that is not taken, whose gradient is NaN times 0; give it a safe argument."
)
HIDDEN = (
    "A likely cause: variables that a function or a first call holds, where `tf.Module` does not "
    "look; make them in the constructor and keep them, or what owns them, as attributes."
)
NO_COMPONENT = (
    "A likely cause: a class that owns a network and derives from `AutoCompositeTensorBijector` or "
    "`AutoCompositeTensorDistribution`, which keep tensors alone; derive from `tfb.Bijector` or "
    "`tfd.Distribution`."
)
LITERAL = (
    "A likely cause: a constant made without the dtype, as by `tf.constant(1.0)` or `tf.zeros`; "
    "take that of the input."
)
NOT_SUMMED = (
    "Likely causes: its sign, or a sum over axes of the event that is missing or one too many."
)
STATEFUL = (
    "A likely cause: draws by `tf.random` or NumPy, or the same seed for two draws; pass the seed "
    "on, split by `tfp.random.split_seed`."
)
