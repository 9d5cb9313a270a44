import functools

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import registry
from tfp_ebm import bijectors, networks
from tfp_ebm.internal.keras import keras

test_conformance = registry.conformance("Coupling")

tfb, tfd = tfp.bijectors, tfp.distributions


def test_additive_coupling_is_numpy_arithmetic():
    network = networks.MLP(2, 3, [5], dtype=tf.float64)
    coupling = bijectors.Coupling(tfb.Split([2, 3]), tfb.Shift, network)
    x = np.random.default_rng(0).normal(size=[4, 5])
    expected = np.concatenate([x[:, :2], x[:, 2:] + network(x[:, :2]).numpy()], axis=1)
    np.testing.assert_allclose(coupling.forward(x), expected, rtol=1e-12)
    np.testing.assert_array_equal(coupling.forward_log_det_jacobian(x, event_ndims=1), 0.0)


def test_two_dimensional_flow_integrates_to_one():
    network = networks.MLP(1, 2 + 3 * 3, [8], "tanh", dtype=tf.float64)
    for index, variable in enumerate(network.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, (0, index), dtype=tf.float64)
        variable.assign_add(0.3 * noise)
    coupling = bijectors.MixLogCDFCoupling(tfb.Split(2), network, num_components=3)
    flow = tfb.Invert(tfb.Chain([tfb.Permute([1, 0]), coupling]))
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([2], tf.float64)), flow)
    axis = np.linspace(-30, 30, 1201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(model.log_prob(grid)).sum() * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(total, 1.0, atol=1e-3)


def test_event_shapes_that_cannot_be_split_are_refused():
    coupling = bijectors.Coupling(bijectors.ChannelSplit(), tfb.Shift)
    assert coupling.forward_event_shape([2, 2, 4]) == (2, 2, 4)
    with pytest.raises(ValueError, match="multiple of 2, got 3"):
        coupling.forward_event_shape([2, 2, 3])


def test_a_hidden_network_is_refused():
    network = networks.MLP(3, 3)
    with pytest.raises(ValueError, match="pass the network itself as `conditioner=`"):
        bijectors.Coupling(tfb.Split(2), lambda a: tfb.Shift(network(a)))


class Builder:
    """What users write who make models by methods."""

    def __init__(self):
        self.network, self.unrelated = networks.MLP(3, 3), networks.MLP(3, 3)
        self.number = 2.0

    def shift(self, a):
        return tfb.Shift(self.network(a))

    def indirect(self, a):
        return self.shift(a)

    def double(self, a):
        return tfb.Shift(self.number * a)

    def as_lambda(self):
        return lambda a: self.shift(a)

    def __call__(self, a):
        return self.shift(a)


def nested(network):
    def inner(a):
        return network(a)

    return lambda a: tfb.Shift(inner(a))


def with_default(network):
    return lambda a, network=network: tfb.Shift(network(a))


def in_a_list(network):
    networks = [{"a": network}]
    return lambda a: tfb.Shift(networks[0]["a"](a))


def partial(network):
    return functools.partial(lambda network, a: tfb.Shift(network(a)), network)


def partial_of_partial(network):
    return functools.partial(functools.partial(lambda a, *, f: tfb.Shift(f(a))), f=nested(network))


def decorated(network):
    return functools.lru_cache(nested(network))


HIDING = {
    "nested": lambda: nested(networks.MLP(3, 3)),
    "default": lambda: with_default(networks.MLP(3, 3)),
    "container": lambda: in_a_list(networks.MLP(3, 3)),
    "partial": lambda: partial(networks.MLP(3, 3)),
    "partial of a partial": lambda: partial_of_partial(networks.MLP(3, 3)),
    "decorated": lambda: decorated(networks.MLP(3, 3)),
    "tf.function": lambda: tf.function(nested(networks.MLP(3, 3))),
    "method": lambda: Builder().shift,
    "method of a method": lambda: Builder().indirect,
    "closure over an object": lambda: Builder().as_lambda(),
    "object": Builder,
    "method of a network": lambda: networks.MLP(3, 3).call,
    "bijector": lambda: nested(bijectors.ActNorm.create([3])),
    "not built": lambda: nested(keras.layers.Dense(3)),
    "Keras 3": lambda: nested(keras3.layers.Dense(3)),
    "variable": lambda: nested(tf.Variable(1.0)),
}


@pytest.mark.parametrize(
    "argument", ["bijector_fn", "bijector_fn beside conditioner", "conditioner"]
)
@pytest.mark.parametrize("how", HIDING)
def test_whatever_hides_variables_is_refused(how, argument):
    arguments = {"bijector_fn": tfb.Shift, argument.split()[0]: HIDING[how]()}
    if argument.endswith("beside conditioner"):
        arguments["conditioner"] = networks.MLP(3, 3)
    with pytest.raises(ValueError, match=f"`{argument.split()[0]}` is a plain function that holds"):
        bijectors.Coupling(tfb.Split(2), **arguments)


def without_variables():
    """Functions that hold nothing that would have to train."""
    exp, scale = tfb.Exp(), tfb.Scale(2.0)
    frozen = tf.Variable(1.0, trainable=False)
    recursive = {}
    recursive["itself"] = recursive

    def itself(a):
        return tfb.Shift(a) if recursive else itself(a)

    return {
        "bijectors": lambda a: tfb.Chain([exp, scale, tfb.Shift(a)]),
        "partial": functools.partial(lambda inner, a: tfb.Chain([inner, tfb.Shift(a)]), exp),
        "frozen": lambda a: tfb.Shift(a * frozen),
        "other attributes": Builder().double,
        "recursion": itself,
        "class": tfb.Shift,
        "numbers": functools.partial(tfb.Shift, name="x"),
        "tf.function": tf.function(lambda a: tfb.Shift(a)),
    }


@pytest.mark.parametrize("how", without_variables())
@pytest.mark.parametrize("with_conditioner", [False, True])
def test_functions_without_variables_are_welcome(how, with_conditioner):
    conditioner = networks.MLP(3, 3) if with_conditioner else None
    function = without_variables()[how]
    coupling = bijectors.Coupling(tfb.Split(2), function, conditioner)
    assert len(coupling.trainable_variables) == (6 if with_conditioner else 0)


def test_a_function_may_hold_what_another_argument_shows():
    network = networks.MLP(3, 3)
    inner = next(part for part in network.submodules if isinstance(part, keras.layers.Dense))
    for part in (network, inner, inner.kernel):
        coupling = bijectors.Coupling(tfb.Split(2), nested(part), network)
        assert len(coupling.trainable_variables) == 6

    class Own(bijectors.Coupling):
        """Its own attributes are tracked."""

        def __init__(self):
            self.network = networks.MLP(3, 3)
            super().__init__(tfb.Split(2), lambda a: tfb.Shift(self.network(a)))

    assert len(Own().trainable_variables) == 6


def test_a_keras_3_network_is_refused():
    class Own(keras3.layers.Dense):
        """Of a module that is not Keras's."""

    for network in (keras3.layers.Dense(3), Own(3)):
        with pytest.raises(TypeError, match=r"Keras 3 .*, whose variables .*Keras3Network"):
            bijectors.Coupling(tfb.Split(2), tfb.Shift, network)


@pytest.mark.parametrize("as_model", [False, True])
def test_an_unbuilt_network_is_refused(as_model):
    """Its variables would appear only after an optimizer has asked for them."""
    network = keras.layers.Dense(3)
    if as_model:
        network = keras.Sequential([network])
    with pytest.raises(ValueError, match="is not built, so that its variables are not there yet"):
        bijectors.Coupling(tfb.Split(2), tfb.Shift, network)
    network(tf.zeros([1, 3]))
    assert len(bijectors.Coupling(tfb.Split(2), tfb.Shift, network).trainable_variables) == 2


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32")])
def test_a_network_of_another_dtype_is_refused(dtypes):
    network_dtype, data_dtype = dtypes
    coupling = bijectors.Coupling(tfb.Split(2), tfb.Shift, networks.MLP(3, 3, dtype=network_dtype))
    with pytest.raises(TypeError, match=f"returns {network_dtype} for data of {data_dtype}"):
        coupling.forward(tf.zeros([2, 6], data_dtype))


def test_a_module_as_bijector_fn_is_tracked():
    class Shifted(tf.Module):
        def __init__(self):
            super().__init__()
            self.network = networks.MLP(3, 3)

        def __call__(self, a):
            return tfb.Shift(self.network(a))

    coupling = bijectors.Coupling(tfb.Split(2), Shifted())
    assert len(coupling.trainable_variables) == 6


def test_errors():
    network = networks.GatedResNet((2, 2, 2), 13, 4, 1)
    coupling = bijectors.MixLogCDFCoupling(bijectors.ChannelSplit(), network, num_components=3)
    message = r"must return 22 channels: 2 channels to transform times 2 \+ 3 \* 3 .* got 13"
    with pytest.raises(ValueError, match=message):
        coupling.forward(tf.zeros([1, 2, 2, 4]))
    with pytest.raises(ValueError, match="`num_components` must be an integer of at least 1"):
        bijectors.MixLogCDFCoupling(bijectors.ChannelSplit(), network, 0)
    with pytest.raises(TypeError, match="`split` must be a multipart bijector"):
        bijectors.Coupling(3, tfb.Shift)
    with pytest.raises(TypeError, match="`bijector_fn` must be callable"):
        bijectors.Coupling(tfb.Split(2), 3)
    with pytest.raises(ValueError, match="must return two parts; got 3"):
        bijectors.Coupling(tfb.Split(3), tfb.Shift).forward(tf.zeros([1, 6]))
    nothing = bijectors.Coupling(tfb.Split([3, 0]), tfb.Shift)
    with pytest.raises(ValueError, match=r"leaves nothing to transform: of events \(2, 3\)"):
        nothing.forward(tf.zeros([2, 3]))
    wide = bijectors.Coupling(tfb.Split([1, 2]), lambda a: tfb.Shift(tf.zeros([4, 1, 2])))
    with pytest.raises(ValueError, match="Check the number of outputs of the conditioner"):
        wide.forward(tf.zeros([1, 3]))
