"""Swaps along checkpoints of training, a sampler to compare with.

Bereux, Decelle, Furtlehner, Rosset and Seoane, "Fast training and sampling of Restricted Boltzmann
Machines" (2025), propose it. It is not part of the package: `samplers.py` measures whether it would
earn that.
"""

import tensorflow as tf

from tfp_ebm.internal import states
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.mcmc import PersistentChains

# A checkpoint is kept when the machine's swaps with the last one are accepted less often.
LEAST_SWAP_RATE = 0.3
# Rates are moving averages over about as many sweeps.
WINDOW = 50


class TrajectoryTempering(PersistentChains):
    """Persistent chains at the machine and at earlier checkpoints of its training.

    After each sweep neighbours on the trajectory exchange states, even and odd pairs in turn, by
    the log marginals of their own parameters. When swaps of the machine with the last checkpoint
    fall below 0.3, its parameters become one; where there is no more room, the checkpoint whose
    neighbours are nearest gives way. The first, where training started, stays.
    """

    def __init__(self, units, machine, num_checkpoints=9):
        """Starts all chains at copies of the machine."""
        super().__init__(units, name="trajectory_tempering")
        count = num_checkpoints + 1
        self.count = count
        self.parameters = [
            tf.Variable(tf.repeat(part[tf.newaxis], count, axis=0), trainable=False)
            for part in tf.nest.flatten(machine)
        ]
        self.replicas = tf.Variable(tf.repeat(units[:, tf.newaxis], count, axis=1), trainable=False)
        self.swap_rates = tf.Variable(tf.ones([count - 1], units.dtype), trainable=False)

    @classmethod
    def start(cls, machine, num_chains, seed=None, num_checkpoints=9):
        """Returns chains that start from the machine's independent reference."""
        units = machine.sample_reference(num_chains, sanitize_seed(seed))
        chains = cls(units, machine, num_checkpoints)
        chains.belong_to(machine)
        return chains

    def advance(self, machine, num_steps, seed=None):
        """Moves the chains of all machines of the trajectory, with a try to swap a sweep."""
        num_steps = states.num_sweeps(num_steps)
        seed = sanitize_seed(seed, salt="trajectory_tempering")
        machine = tf.nest.map_structure(tf.stop_gradient, machine)
        for kept, now in zip(self.parameters, tf.nest.flatten(machine), strict=True):
            kept.assign(tf.concat([kept[:-1], now[tf.newaxis]], axis=0))
        trajectory = tf.nest.pack_sequence_as(
            machine, [tf.convert_to_tensor(part) for part in self.parameters]
        )
        replicas, rates = self._exchange(trajectory, self._next_sweep(), num_steps, seed)
        self.units.assign(replicas[:, -1])
        self._keep_checkpoint(replicas, rates)
        self._count(machine, num_steps)

    def _exchange(self, trajectory, first, num_steps, seed):
        parity = tf.range(self.count - 1) % 2

        def body(index, replicas, rates):
            sweep_seed, swap_seed = samplers.split_seed(samplers.fold_in(seed, index), n=2)
            one = tf.ones([], replicas.dtype)
            replicas = tf.ensure_shape(trajectory.sweep(replicas, one, sweep_seed), replicas.shape)
            upper, lower = tf.roll(replicas, -1, axis=1), tf.roll(replicas, 1, axis=1)
            own = trajectory.log_marginal(replicas)
            of_upper, of_lower = trajectory.log_marginal(upper), trajectory.log_marginal(lower)
            log_ratio = of_upper[:, :-1] + of_lower[:, 1:] - own[:, :-1] - own[:, 1:]
            uniform = samplers.uniform(tf.shape(log_ratio), seed=swap_seed, dtype=log_ratio.dtype)
            is_tried = tf.equal(parity, index % 2)
            swap = is_tried & (tf.math.log(uniform) < log_ratio)
            share = tf.reduce_mean(tf.exp(tf.minimum(log_ratio, 0.0)), axis=0)
            rates += (share - rates) / WINDOW
            none = tf.zeros_like(swap[:, :1])
            takes_upper = tf.concat([swap, none], axis=1)[..., tf.newaxis]
            takes_lower = tf.concat([none, swap], axis=1)[..., tf.newaxis]
            replicas = tf.where(takes_upper, upper, tf.where(takes_lower, lower, replicas))
            return index + 1, replicas, rates

        _, replicas, rates = tf.while_loop(
            lambda index, *_: index < first + num_steps,
            body,
            (first, tf.convert_to_tensor(self.replicas), tf.convert_to_tensor(self.swap_rates)),
            parallel_iterations=1,
        )
        return replicas, rates

    def _keep_checkpoint(self, replicas, rates):
        """Lets the machine become the last checkpoint where the two have moved apart."""
        gives_way = 1 + tf.argmax(rates[:-1], output_type=tf.int32)
        order = tf.range(self.count - 1)
        order = tf.concat([tf.where(order < gives_way, order, order + 1), [self.count - 1]], axis=0)
        order = tf.where(rates[-1] < LEAST_SWAP_RATE, order, tf.range(self.count))
        for part in self.parameters:
            part.assign(tf.gather(part, order))
        self.replicas.assign(tf.gather(replicas, order, axis=1))
        # A new neighbour is met with the rate of the dropped one until it has its own.
        moved = tf.concat([tf.gather(rates, order[1:-1] - 1), [1.0]], axis=0)
        self.swap_rates.assign(tf.where(rates[-1] < LEAST_SWAP_RATE, moved, rates))
