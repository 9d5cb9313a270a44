"""Scouts of a narrow hidden layer, which see its marginal instead of single states."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed
from tfp_ebm.mcmc.jumps import LatentMachine, draw_bits
from tfp_ebm.mcmc.memory import Scouts

__all__ = ["LARGEST_LAYER", "Climbers", "flip_one", "is_narrow", "start_scouts"]

# A flip of one of K bits looks at all K: K^2 products with the visible layer for every scout.
LARGEST_LAYER = 32


def flip_one(
    machine: LatentMachine, bits: tf.Tensor, inverse_temperature: tf.Tensor, seed: Seed
) -> tf.Tensor:
    """Returns bits with at most one of them flipped, drawn among all that are that near.

        P(h -> h') ~ p*(h')^beta   for h' = h and for every h' that differs from it in one bit

    A heat bath over the neighbours, by the marginal of the hidden layer: it climbs to a mode of h
    within about as many steps as bits differ from it, and does not leave p invariant.

    Args:
      machine: the machine.
      bits: `[..., *B, num_hidden]`.
      inverse_temperature: beta, broadcasts with `bits`.
      seed: seed; a pair of integers repeats exactly.
    """
    size, rank = bits.shape[-1], bits.shape.rank
    flips = tf.reshape(tf.eye(size, dtype=bits.dtype), [size] + [1] * (rank - 1) + [size])
    # No flip first.
    near = tf.abs(bits - tf.concat([tf.zeros_like(flips[:1]), flips], axis=0))
    log_weight = machine.log_latent_weight(near) * inverse_temperature[..., 0]
    noise = tfp.distributions.Gumbel(tf.zeros([], bits.dtype), 1.0)
    chosen = tf.argmax(log_weight + noise.sample(tf.shape(log_weight), seed=seed), axis=0)
    return tf.abs(bits - tf.one_hot(chosen - 1, size, dtype=bits.dtype))


class Climbers(Scouts):
    """Scouts that climb to modes of the hidden layer's marginal, the other layer summed out.

    A machine may grow a mode of more mass than all others that no sweep from anywhere finds:
    images of the data's modes with the signs of all or some units turned are as favourable as
    these but for the biases, and lie behind barriers of hundreds of nats. In the marginal of a
    narrow layer they are a few flips away from a random state. `units` holds the bits
    `[num_steps, num_starts, *batch_shape, num_hidden]`; they start uniform and flip one bit a move
    (`flip_one`).
    """

    num_steps = 16
    default_number = 64

    def proposing(self, machine: LatentMachine, seed: Seed) -> tf.Tensor:
        """Returns who arrived; random hidden layers are where climbers start."""
        del machine, seed
        return tf.convert_to_tensor(self.arrived)

    @staticmethod
    def _fresh(machine: LatentMachine, num_scouts: Count, seed: Seed) -> tf.Tensor:
        unit_seed, seed = samplers.split_seed(seed, n=2, salt="climbers")
        odds = machine.latent_log_odds(machine.sample_reference(num_scouts, unit_seed))
        return draw_bits(tf.zeros_like(odds), seed)

    @staticmethod
    def _cooled(
        machine: LatentMachine, units: tf.Tensor, inverse_temperature: tf.Tensor, seed: Seed
    ) -> tf.Tensor:
        return flip_one(machine, units, inverse_temperature, seed)

    @staticmethod
    def _states(machine: LatentMachine, units: tf.Tensor, seed: Seed) -> tf.Tensor:
        return machine.sample_given_latent(units, seed)


def is_narrow(machine: LatentMachine | AnnealedMachine) -> bool:
    """Returns whether the machine has a hidden layer that scouts can climb in."""
    if not hasattr(machine, "log_latent_weight"):
        return False
    odds = machine.latent_log_odds(machine.sample_reference(1, seed=(0, 0)))
    return odds.shape[-1] <= LARGEST_LAYER


def start_scouts(
    machine: LatentMachine, num_scouts: int | None, num_arrived: int, seed: Seed
) -> Scouts:
    """Returns scouts, which climb where the machine's hidden layer is narrow enough.

    Args:
      machine: the machine.
      num_scouts: how many are on their way; None: as many as their kind needs.
      num_arrived: how many of those that arrived are kept.
      seed: seed of their first states.
    """
    kind = Climbers if is_narrow(machine) else Scouts
    num_scouts = num_scouts or kind.default_number
    num_steps = min(kind.num_steps, num_scouts)
    return kind.start(machine, num_scouts // num_steps, num_steps, num_arrived, seed)
