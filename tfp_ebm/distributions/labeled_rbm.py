"""A Gaussian-Bernoulli RBM that models labels with the points: the labels of EB-and-Flow."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions.gaussian_visible import GaussianVisible, scale_variable
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, converted
from tfp_ebm.internal.numeric import move_axis
from tfp_ebm.internal.parameter_shapes import positive, undetermined, vector
from tfp_ebm.internal.tfp_private import (
    parameter_properties,
    ps,
    samplers,
)
from tfp_ebm.internal.types import Distribution, Parameter, Seed, TensorLike, Unpack
from tfp_ebm.machines.labeled_machine import LabeledMachine
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["LabeledRBM"]


class LabeledRBM(GaussianVisible):
    """A density over real vectors v together with a label y of K classes.

        log p(v, y) = -sum_i (v_i - b_i)^2 / (2 sigma_i^2) + d_y
                      + sum_j softplus((W^T (v / sigma) + V_y + c)_j) - log Z
        log p(v) = log sum_y p(v, y),   p(y | v) = p(v, y) / p(v)

    The event is v; the label is an argument. `log_prob(v)` is log p(v), `log_prob(v, labels=y)` is
    log p(v, y), and a label of -1 is unknown and summed over, so that one batch may mix both.
    `sample(n)` draws from p(v), `sample(n, labels=y)` from p(v | y), and `label_posterior(v)` is
    p(y | v), exact. Behind a flow the label travels as
    `distribution_kwargs={"labels": y}` of `tfd.TransformedDistribution` and `Dequantized`. How
    log Z is obtained is said in `tfp_ebm.distributions.BoltzmannMachine`; a chain's state is v and
    the one-hot y. `log_prob` is in nats and costs one product with W for a point and
    K softplus for each of its hidden bits.

    #### Example

    >>> import tensorflow as tf
    >>> base = LabeledRBM.create(num_visible=2, num_hidden=3, num_classes=4)
    >>> v = tf.zeros([5, 2])
    >>> base.log_prob(v, labels=[0, 3, -1, -1, 2]).shape, base.label_posterior(v).logits.shape
    (TensorShape([5]), TensorShape([5, 4]))
    >>> base.sample(3, labels=2).shape
    TensorShape([3, 2])

    Source: "EB-and-Flow", section 5.1; Larochelle and Bengio, "Classification using discriminative
    restricted Boltzmann machines" (2008).
    """

    def __init__(
        self,
        weights: TensorLike,
        visible_bias: TensorLike,
        hidden_bias: TensorLike,
        label_weights: TensorLike,
        label_bias: TensorLike,
        scale: TensorLike = 1.0,
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the machine of W, V, their biases and sigma; `create` makes trainable ones.

        Args:
          weights: `[..., num_visible, num_hidden]`, W.
          visible_bias: `[..., num_visible]`, b.
          hidden_bias: `[..., num_hidden]`, c.
          label_weights: `[..., num_classes, num_hidden]`, V.
          label_bias: `[..., num_classes]`, d.
          scale: sigma above 0, `[..., num_visible]`; or a scalar or `[..., 1]`, the same for all
            units.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree, a parameter is not finite, or the scale not positive.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "LabeledRBM") as name:
            dtype, given = converted(
                weights=weights, label_weights=label_weights, label_bias=label_bias,
                visible_bias=visible_bias, hidden_bias=hidden_bias, scale=scale,
            )  # fmt: skip
            self._weights, self._label_weights, self._label_bias, *rest = given
            self._visible_bias, self._hidden_bias, self._scale = rest
            self._check_parameters()
            super().__init__(dtype, parameters, name)

    def _check_parameters(self):
        for name, axes in (
            ("weights", "num_visible, num_hidden"),
            ("label_weights", "num_classes, num_hidden"),
        ):
            matrix = getattr(self, f"_{name}")
            checks.matrix(name, matrix, axes)
            checks.finite(name, matrix)
        num_visible, num_hidden = self._weights.shape[-2:]
        num_classes = self._label_weights.shape[-2]
        if self._label_weights.shape[-1] != num_hidden:
            raise ValueError(
                f"`label_weights` must have shape [..., num_classes, {num_hidden}], one column for "
                f"each hidden unit, got shape {self._label_weights.shape}."
            )
        checks.vector("visible_bias", self._visible_bias, num_visible)
        checks.vector("hidden_bias", self._hidden_bias, num_hidden)
        checks.vector("label_bias", self._label_bias, num_classes)
        self._check_scale(num_visible)
        ranks = {**dict.fromkeys(self.parameter_properties(), 1), "weights": 2, "label_weights": 2}
        checks.batches(**{name: (getattr(self, f"_{name}"), n) for name, n in ranks.items()})

    @classmethod
    def create(
        cls,
        num_visible: int,
        num_hidden: int,
        num_classes: int,
        scale: float = 1.0,
        learn_scale: bool = True,
        weight_scale: float = 0.01,
        **options: Unpack[ChainOptions],
    ) -> "LabeledRBM":
        """Returns a trainable machine, chains started and log Z estimated.

        Args:
          num_visible: number of Gaussian visible units, the dimensions of the event.
          num_hidden: number of hidden bits.
          num_classes: K, at least 2.
          scale: the first value of every sigma.
          learn_scale: whether sigma is trained.
          weight_scale: standard deviation of the first weights.
          **options: `ChainOptions`.

        Raises:
          ValueError: if an argument is out of its range, as for `GaussianBernoulliRBM.create`.
        """
        dtype = options.get("dtype", tf.float32)
        num_visible = checks.positive_integer("num_visible", num_visible)
        num_hidden = checks.positive_integer("num_hidden", num_hidden)
        num_classes = checks.positive_integer("num_classes", num_classes, minimum=2)
        scale = checks.positive_number("scale", scale)
        seeds = samplers.split_seed(options.get("seed"), n=3, salt="labeled_rbm")

        def noise(shape, seed):
            return weight_scale * samplers.normal(shape, seed=seed, dtype=dtype)

        weights = tf.Variable(noise([num_visible, num_hidden], seeds[0]), name="weights")
        label_weights = tf.Variable(
            noise([num_classes, num_hidden], seeds[1]), name="label_weights"
        )
        visible_bias, hidden_bias, label_bias = (
            tf.Variable(tf.zeros([size], dtype), name=name)
            for size, name in (
                (num_visible, "visible_bias"),
                (num_hidden, "hidden_bias"),
                (num_classes, "label_bias"),
            )
        )
        sigma = scale_variable(scale, num_visible, learn_scale, dtype)
        given = (weights, visible_bias, hidden_bias, label_weights, label_bias, sigma)
        return cls(*given, **StartChains.arguments(options, seeds[2]))._begun(seeds[2])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "weights": undetermined("weights", "[..., num_visible, num_hidden]", 2),
            "visible_bias": vector(),
            "hidden_bias": undetermined("hidden_bias", "[..., num_hidden]", 1),
            "label_weights": undetermined("label_weights", "[..., num_classes, num_hidden]", 2),
            "label_bias": undetermined("label_bias", "[..., num_classes]", 1),
            "scale": properties(event_ndims=1, default_constraining_bijector_fn=positive(dtype)),
        }

    weights = Given[Parameter]("W, as given.")
    label_weights = Given[Parameter]("V, as given.")

    @property
    def couplings(self) -> list[tf.Tensor]:
        """`[W, V]`, read now."""
        return [tf.convert_to_tensor(part) for part in (self._weights, self._label_weights)]

    label_bias = Given[Parameter]("d, as given.")

    @property
    def num_classes(self) -> int:
        """K."""
        return self._label_bias.shape[-1]

    def machine(self) -> LabeledMachine:
        """Returns the machine at the current parameters."""
        gaussian = (self._weights, self._visible_bias, self._hidden_bias, self._scale)
        return LabeledMachine.from_parameters(gaussian, self._label_weights, self._label_bias)

    def _visible_machine(self):
        return self.machine().machine

    def chain_state(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Draws labels given points: `[..., *batch_shape, num_visible + num_classes]`, v and y."""
        value = super().chain_state(value)
        machine = self.machine()
        seed = samplers.sanitize_seed(seed, salt="labeled_chain_state")
        return tf.concat([value, machine.draw_labels(machine.label_logits(value), seed)], axis=-1)

    def label_posterior(self, value: TensorLike) -> Distribution:
        """Returns p(y | v), exact: the class of each point.

        Args:
          value: `[..., num_visible]`, points v.

        Returns:
          `tfd.Categorical` over the K classes with batch shape `[...]`.
        """
        value = tf.convert_to_tensor(value, self.dtype)
        return tfp.distributions.Categorical(logits=self.machine().label_logits(value))

    def posterior(self, value: TensorLike, labels: TensorLike) -> Distribution:
        """Returns p(h | v, y), exact: the hidden bits of each point with its label.

        Args:
          value: `[..., num_visible]`, points v.
          labels: `[...]` integers from 0 to num_classes - 1.

        Returns:
          `tfd.Independent` of `tfd.Bernoulli` with event shape `[num_hidden]`.

        Raises:
          ValueError: if a label is out of range.
        """
        labels = checks.labels(labels, self.num_classes)
        machine = self.machine()
        logits = machine.machine.hidden_signal(tf.convert_to_tensor(value, self.dtype))
        logits += machine.hidden_bias_given(labels)
        return tfp.distributions.Independent(
            tfp.distributions.Bernoulli(logits=logits, dtype=self.dtype), 1
        )

    def _unnormalized_log_prob(self, value, labels=None):
        machine = self.machine()
        logits = machine.label_logits(value)
        marginal = tf.reduce_logsumexp(logits, axis=-1)
        if labels is None:
            return marginal
        labels = checks.labels(labels, self.num_classes, lowest=-1)
        labels = tf.broadcast_to(labels, ps.broadcast_shape(ps.shape(labels), ps.shape(marginal)))
        chosen = tf.reduce_sum(machine.one_hot(tf.where(labels == -1, 0, labels)) * logits, axis=-1)
        return tf.where(labels == -1, marginal, chosen)

    def _call_sample_n(self, sample_shape, seed, labels=None, **kwargs):
        if labels is not None:
            labels = checks.labels(labels, self.num_classes)
            sample_dims = ps.reshape(ps.convert_to_shape_tensor(sample_shape, tf.int32), [-1])
            batch_shape = self.batch_shape_tensor()
            labels = tf.broadcast_to(labels, ps.concat([sample_dims, batch_shape], axis=0))
            kwargs["labels"] = tf.reshape(labels, ps.concat([[-1], batch_shape], axis=0))
        return super()._call_sample_n(sample_shape, seed, **kwargs)

    def _sample_n(self, n, seed=None, labels=None):
        if labels is None:
            return self._sample_units(n, seed)
        machine, rank = self.machine(), self.batch_shape.rank
        chain_seed, start_seed, run_seed = samplers.split_seed(
            seed, n=3, salt="sample_given_labels"
        )
        rows = machine.one_hot(labels)
        if self._draws_exactly():
            points = machine.given_label().sample_exactly(n, start_seed)
            return tf.stop_gradient(tf.reduce_sum(points * rows[..., tf.newaxis], axis=-2))
        # Chains are draws from p(v); drawn again in proportion to p(y | v), from p(v | y).
        points = machine.complete(self._chains.draw(self._chains.num_chains, chain_seed), None)
        log_posterior = tf.math.log_softmax(machine.label_logits(points), axis=-1)
        of_classes = tfp.distributions.Categorical(logits=move_axis(log_posterior, 0, -1))
        # Drawn for every class, because a table of all samples and chains would be large.
        drawn = of_classes.sample(n, start_seed)
        index = move_axis(tf.gather(drawn, labels, axis=rank + 1, batch_dims=rank + 1), 0, -1)
        start = tf.gather(move_axis(points, 0, -2), index, axis=rank, batch_dims=rank)
        clamped = machine.machine._replace(hidden_bias=machine.hidden_bias_given(labels))
        start = move_axis(start, -2, 0)
        drawn = block_gibbs.run(clamped, start, self._num_gibbs_steps, run_seed)
        # NaN where there is no such class: bits given NaN would be 0, and the points finite.
        return drawn * tf.reduce_sum(rows, axis=-1, keepdims=True)
