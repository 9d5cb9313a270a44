import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import training
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.one_line import one_line

OUT_OF_MEMORY = "; memory ran out: take a smaller batch or model, or free some."


def caught(function, *args):
    with pytest.raises(Exception) as error:
        function(*args)
    return error.value


def test_texts_of_several_lines_are_joined_and_silent_errors_named():
    assert one_line(ValueError("`x` must be 1.\n  Take 1.\n")) == "`x` must be 1. Take 1."
    assert one_line(KeyError()) == "KeyError"
    assert one_line(ValueError("\n\n")) == "ValueError"
    assert one_line(MemoryError()) == "MemoryError" + OUT_OF_MEMORY
    assert one_line(MemoryError("Unable to allocate 8 TiB.")) == (
        "Unable to allocate 8 TiB" + OUT_OF_MEMORY
    )


def test_out_of_memory_in_a_graph_and_outside():
    size = 2**23  # More bytes than an address space has.
    graph = tf.function(lambda n: tf.reduce_sum(tf.random.normal([n, n])), autograph=False)
    for error in (caught(graph, tf.constant(size)), caught(tf.zeros, [size, size])):
        text = one_line(error)
        assert text.startswith("OOM when allocating tensor with shape[8388608,8388608]")
        assert text.endswith(OUT_OF_MEMORY)
        assert "\n" not in text and "node" not in text and "[Op" not in text


def test_assertions_of_a_graph_say_what_was_asserted():
    @tf.function(autograph=False)
    def check(x):
        tf.debugging.Assert(tf.reduce_all(x > 0), ["`x` must be above 0"])
        return x

    text = one_line(caught(check, tf.constant(-1.0)))
    assert text == "assertion failed: [`x` must be above 0]"


def test_several_errors_of_one_step_are_the_first():
    message = (
        "Graph execution error:\n\nDetected at node A defined at (most recent call last):\n"
        '  File "a.py", line 1, in f\n\n2 root error(s) found.\n'
        "  (0) RESOURCE_EXHAUSTED:  OOM when allocating\n\t [[{{node A}}]]\n"
        "  (1) RESOURCE_EXHAUSTED:  OOM again\n0 successful operations. [Op:__inference_1]"
    )
    error = tf.errors.ResourceExhaustedError(None, None, message)
    assert one_line(error) == "OOM when allocating" + OUT_OF_MEMORY


def test_what_a_model_says_while_it_is_traced_by_keras():
    class Refusing(tfp.distributions.MultivariateNormalDiag):
        def _log_prob(self, x):
            if not tf.executing_eagerly():
                raise ValueError("`x` is not for this model:\ntake another.")
            return super()._log_prob(x)

    trainer = training.LikelihoodModel(Refusing(tf.Variable([0.0, 0.0])))
    trainer.compile(optimizer="sgd")
    error = caught(lambda: trainer.fit(np.ones([8, 2], np.float32), verbose=0))
    assert "\n" in str(error)
    assert one_line(error) == "`x` is not for this model: take another."


def test_what_a_layer_of_keras_says():
    class Refusing(keras.layers.Layer):
        def call(self, x):
            raise ValueError("`x` must be 1.")

    error = caught(lambda: Refusing()(tf.ones([1])))
    assert "Call arguments" in str(error)
    assert one_line(error) == "`x` must be 1."
