"""The flows, bases and other parts that a model is made of, by name, with their options."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tfp_ebm import distributions
from tfp_ebm.conditionals.variational_noise import VariationalNoise
from tfp_ebm.conditionals.vector_posteriors import FlowPosterior, GaussianPosterior, NormalPosterior
from tfp_ebm.flows.autoregressive_flows import iaf, maf
from tfp_ebm.flows.flow_plus_plus import flow_plus_plus
from tfp_ebm.flows.glow import glow
from tfp_ebm.flows.image_real_nvp import image_real_nvp
from tfp_ebm.flows.integer_flow import integer_flow, integer_part_shapes
from tfp_ebm.flows.jet import jet
from tfp_ebm.flows.multi_scale import latent_shapes
from tfp_ebm.flows.nice import nice
from tfp_ebm.flows.real_nvp import real_nvp
from tfp_ebm.flows.residual import densenet, residual
from tfp_ebm.flows.simple_flows import affine_flow, elementwise_flow
from tfp_ebm.flows.spline_flow import spline_flow
from tfp_ebm.flows.vector_flow import vector_flow
from tfp_ebm.internal import checks
from tfp_ebm.models import bases

__all__ = [
    "Option",
    "Part",
    "base_names",
    "check_options",
    "find",
    "flow_names",
    "part_options",
    "register_base",
    "register_flow",
]

# What the data, and not a user, tell a part.
_FROM_DATA = {
    *("image_shape", "num_levels", "num_dims", "num_augmented", "num_channels", "on_unit_cell"),
    *("latents", "num_visible", "num_units", "num_classes", "part_shapes", "dtype", "name", "self"),
    *("num_context", "location", "scale"),
}


class Part(NamedTuple):
    """A part of a model that has a name.

    Attributes:
      function: makes the part.
      summary: what it is, in a line.
      data: what it is for: `"images"`, `"vectors"`, or both.
      forwards: a function that takes the options which `function` does not name.
      part_shapes: for flows of several scales, `part_shapes(image_shape, options)` returns the
        shapes of what they leave; None for others.
      is_integer: whether it is of whole numbers, as flow or as base: the two go together.
      sets: options of `forwards` that `function` gives by another name.
    """

    function: Callable[..., Any]
    summary: str
    data: tuple[str, ...] = ("images", "vectors")
    forwards: Callable[..., Any] | None = None
    part_shapes: Callable[[Sequence[int], Mapping[str, Any]], list] | None = None
    is_integer: bool = False
    sets: tuple[str, ...] = ()

    @property
    def takes_images(self) -> bool:
        """Whether `function` is told of images, and not of a number of dimensions."""
        return "image_shape" in inspect.signature(self.function).parameters

    @property
    def takes_augmented(self) -> bool:
        """Whether `function` is told of extra channels, or takes dimensions of any meaning."""
        return (
            not self.takes_images or "num_augmented" in inspect.signature(self.function).parameters
        )

    @property
    def takes_context(self) -> bool:
        """Whether `function` can make the part depend on condition vectors."""
        return "num_context" in inspect.signature(self.function).parameters


class Option(NamedTuple):
    """An option of a part.

    Attributes:
      default: its default.
      summary: what it is, in a sentence.
    """

    default: object
    summary: str


def _scales(flow):
    """Returns the function that tells what a flow of several scales leaves; None of vectors."""
    default = inspect.signature(flow).parameters["num_scales"].default

    def part_shapes(image_shape, options):
        if len(image_shape) == 1:
            return None
        return latent_shapes(image_shape, options.get("num_scales", default))

    return part_shapes


def _integer_parts(image_shape, options):
    return integer_part_shapes(image_shape, options.get("num_scales"))


_create = {
    "boltzmann": distributions.SmoothedBoltzmannMachine.create,
    "conv_rbm": distributions.ConvolutionalRBM.create,
    "gaussian_rbm": distributions.GaussianBernoulliRBM.create,
    "labeled_rbm": distributions.LabeledRBM.create,
    "multicov": distributions.BipartiteNormal.create,
    "per_level": distributions.GaussianBernoulliRBM.create,
    "rbm": distributions.SmoothedRBM.create,
}
_REGISTRY: dict[str, dict[str, Part]] = {
    "flow": {
        "affine": Part(affine_flow, "a linear map and a shift"),
        "densenet": Part(
            densenet,
            "residual flow whose networks keep their inputs",
            part_shapes=_scales(densenet),
        ),
        "elementwise": Part(elementwise_flow, "a map of each entry alone: mixtures or splines"),
        "flow_plus_plus": Part(flow_plus_plus, "Flow++, for images", ("images",)),
        "glow": Part(glow, "Glow of several scales, for images", ("images",), None, _scales(glow)),
        "iaf": Part(iaf, "inverse autoregressive flow: fast samples, slow densities"),
        "image_real_nvp": Part(
            image_real_nvp,
            "RealNVP of several scales, for images",
            ("images",),
            part_shapes=_scales(image_real_nvp),
        ),
        "jet": Part(jet, "Jet: couplings of patches by transformers, for images", ("images",)),
        "maf": Part(maf, "masked autoregressive flow: fast densities, slow samples"),
        "integer_flow": Part(
            integer_flow,
            "integer discrete flow, without dequantisation; its base is discretized_logistic",
            part_shapes=_integer_parts,
            is_integer=True,
        ),
        "nice": Part(nice, "NICE: additive couplings of all entries"),
        "real_nvp": Part(real_nvp, "RealNVP: affine couplings of all entries, images as vectors"),
        "residual": Part(
            residual,
            "x plus a contraction of x, with samples by fixed points",
            part_shapes=_scales(residual),
        ),
        "spline": Part(spline_flow, "neural spline flow: monotone splines in couplings"),
        "vector_glow": Part(vector_flow, "steps of Glow for vectors"),
    },
    "base": {
        name: Part(
            getattr(bases, name),
            (inspect.getdoc(getattr(bases, name)) or "").partition("\n")[0].rstrip("."),
            forwards=_create.get(name),
            is_integer=name == "discretized_logistic",
            sets=("num_filters",) if name == "conv_rbm" else (),
        )
        for name in bases.__all__
        if name != "Latents"
    },
    "noise": {
        "uniform": Part(lambda: None, "uniform over the cell of a pixel"),
        "variational": Part(VariationalNoise, "a conditional flow on the cell", ("images",)),
    },
    "posterior": {
        "variational": Part(VariationalNoise, "a conditional flow of images", ("images",)),
        "gaussian": Part(
            GaussianPosterior, "a Gaussian whose moments a network gives", ("vectors",)
        ),
        "flow": Part(FlowPosterior, "a conditional flow of vectors", ("vectors",)),
        "normal": Part(NormalPosterior, "a standard Gaussian, whatever the event", ("vectors",)),
    },
}


def find(field: str, name: str) -> Part:
    """Returns a part by its name.

    Args:
      field: `"flow"`, `"base"`, `"noise"` or `"posterior"`.
      name: its name.

    Raises:
      ValueError: if there is none of this name; the nearest one is suggested.
    """
    parts = _REGISTRY[checks.choice("part", field, _REGISTRY)]
    try:
        return parts[checks.choice(field, name, parts)]
    except ValueError as error:
        if field not in ("flow", "base"):
            raise
        raise ValueError(
            f"{error} One of your own is known after `models.register_{field}`."
        ) from None


def flow_names() -> dict[str, str]:
    """Returns the names of the flows, and what each is.

    >>> from tfp_ebm import models
    >>> models.flow_names()["nice"]
    'NICE: additive couplings of all entries'
    """
    return {name: part.summary for name, part in _REGISTRY["flow"].items()}


def base_names() -> dict[str, str]:
    """Returns the names of the bases, and what each is.

    >>> from tfp_ebm import models
    >>> models.base_names()["normal"]
    'The standard Gaussian'
    """
    return {name: part.summary for name, part in _REGISTRY["base"].items()}


def part_options(field: str, name: str) -> dict[str, Option]:
    """Returns the options of a part, each with its default and a sentence from its docstring.

    >>> part_options("flow", "glow")["num_scales"]
    Option(default=2, summary='number of scales; H and W are multiples of `2^num_scales`')

    Args:
      field: `"flow"`, `"base"`, `"noise"` or `"posterior"`.
      name: its name.

    Raises:
      ValueError: if there is none of this name; the nearest one is suggested.
    """
    part = find(field, name)
    forwarded = _options_of(part.forwards) if part.forwards else {}
    own = {option: value for option, value in forwarded.items() if option not in part.sets}
    return {**own, **_options_of(part.function)}


def _options_of(function):
    constructor = function.__init__ if inspect.isclass(function) else function
    texts = _documented(constructor)
    return {
        name: Option(parameter.default, texts.get(name, ""))
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in _FROM_DATA
        and parameter.default is not parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
    }


def _documented(function):
    """Returns the first sentence on each argument in a docstring of Google's form."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    entries = re.findall(r"^  (\w+): (.*?)(?=^  \w+: |\Z)", section[1] if section else "", 24)
    return {name: re.split(r"\.(?:\s|$)", " ".join(body.split()))[0] for name, body in entries}


def check_options(field: str, name: str, options: Mapping[str, Any]) -> None:
    """Raises if a part has no option of a name.

    Raises:
      ValueError: naming the options that the part has, and the nearest.
    """
    for option in options:
        checks.choice(f"option of the {field} {name}", option, part_options(field, name))


def register_flow(
    name: str,
    function: Callable[..., Any],
    summary: str = "",
    data: Sequence[str] = ("images",),
    part_shapes: Callable[[Sequence[int], Mapping[str, Any]], list] | None = None,
) -> None:
    """Adds a flow, which every base, `tfp-ebm train --flow NAME` and `build` then know.

    A flow of images is called as `function(image_shape, num_levels=..., dtype=..., **options)` and
    returns a bijector from `[..., H W C]` to `[..., H, W, C]` in `[0, num_levels]`; if it has an
    argument `num_augmented`, it is told how many of the channels are extra ones. A flow of vectors
    is called as `function(num_dims, dtype=..., **options)`, returns a bijector from `[..., D]` to
    `[..., D]`, and serves images and tables too; one with an argument `image_shape` gets `(D,)`
    and `num_levels=None` where data are no images. One with an argument `num_context` gets the size
    of the condition vectors, and its couplings take a `condition` of that size. Options are the
    other keyword arguments, which its docstring describes.

    >>> import tensorflow_probability as tfp
    >>> def shifted(num_dims, shift=1.0, dtype=None):
    ...     return tfp.bijectors.Shift(tf.constant(shift, dtype))
    >>> register_flow("shifted", shifted, "a shift of all coordinates", data=("vectors",))
    >>> "shifted" in flow_names()
    True
    >>> del _REGISTRY["flow"]["shifted"]

    Args:
      name: its name.
      function: makes the bijector.
      summary: what it is, in a line.
      data: `("images",)` or `("vectors",)`, what `function` takes.
      part_shapes: see `Part`.

    Raises:
      ValueError: if the name is taken by another function.
    """
    data = tuple(checks.choice("data", kind, ("images", "vectors")) for kind in data)
    if "vectors" in data:
        data = ("images", "vectors")
    _register("flow", name, Part(function, summary, data, None, part_shapes))


def register_base(name: str, function: Callable[..., Any], summary: str = "") -> None:
    """Adds a base: `function(latents, dtype, **options)` returns a distribution over `[D]`.

    >>> import tensorflow as tf, tensorflow_probability as tfp
    >>> from tfp_ebm import models
    >>> def wide(latents, dtype):
    ...     return tfp.distributions.MultivariateNormalDiag(2 * tf.ones([latents.size], dtype))
    >>> models.register_base("wide", wide, "a Gaussian around 2")
    >>> spec = models.ModelSpec(models.DataSpec((3,)), flow="affine", base="wide")
    >>> models.build(spec).event_shape
    TensorShape([3])
    >>> del _REGISTRY["base"]["wide"]

    Args:
      name: its name.
      function: makes the distribution, see `tfp_ebm.models.Latents`.
      summary: what it is, in a line.

    Raises:
      ValueError: if the name is taken by another function.
    """
    _register("base", name, Part(function, summary))


def _register(field, name, part):
    taken = _REGISTRY[field].get(name)
    if taken is not None and taken.function is not part.function:
        raise ValueError(f"`name` {name!r} is taken by another {field}; choose another name.")
    _REGISTRY[field][name] = part
