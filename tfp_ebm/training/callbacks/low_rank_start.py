"""A Keras callback that starts a machine in the principal directions of the data."""

import tensorflow as tf

from tfp_ebm.distributions import BoltzmannMachine
from tfp_ebm.internal import checks, states
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed, TensorLike
from tfp_ebm.training.saving.replica_states import chain_mover

__all__ = ["LowRankStart"]


class LowRankStart(keras.callbacks.Callback):
    """Keeps a machine's weights in the principal directions of data for the first updates.

        W <- U U^T W after each of the first updates,    U^T U = 1

    where the columns of U, `[num_visible, rank]`, are the directions in which the visible units
    vary most. What tells clusters apart is learned first, from as few numbers as there are
    clusters, and the noise within them later. Chains move once more to the projected weights, as
    many sweeps as the trainer gives them.

    Updates are those of the trainer, so that one that is restored from a checkpoint goes on where
    it was; with `steps_per_execution` above 1 Keras calls, and this projects, once an execution.
    The directions stay those of `values`: of a base under a flow, whose latents move while it
    trains, they would soon be others. Cost: once, the covariance of the visible units and its
    eigenvectors; at each of the first updates a move of the chains.

    >>> import tensorflow as tf
    >>> from tfp_ebm import distributions, training
    >>> from tfp_ebm.internal.keras import keras
    >>> spins = tf.sign(tf.random.stateless_normal([64, 1], (0, 1))) * tf.ones([64, 5])
    >>> base = distributions.RestrictedBoltzmannMachine.create(5, 3, binary=False)
    >>> trainer = training.LikelihoodModel(base)
    >>> trainer.compile(optimizer=keras.optimizers.Adam(0.01))
    >>> start = training.LowRankStart(base, spins, rank=1, num_updates=2)
    >>> history = trainer.fit(spins, epochs=1, batch_size=32, verbose=0, callbacks=[start])
    >>> int(tf.linalg.matrix_rank(base.weights))
    1

    Source: Decelle and Furtlehner, "Exact training of restricted Boltzmann machines on
    intrinsically low dimensional data" (2021), and Bereux et al., "Fast training and sampling of
    Restricted Boltzmann Machines" (2025), who train the machine of low rank exactly; here the
    chains train it.
    """

    def __init__(
        self,
        base: BoltzmannMachine,
        values: TensorLike,
        rank: int,
        num_updates: int,
        seed: Seed = None,
    ) -> None:
        """Finds the directions.

        Args:
          base: a machine whose `weights`, `[num_visible, num_hidden]`, are a variable, or delta
            times one.
          values: `[N, n]`, events of the base, of which the first `num_visible` entries are used.
          rank: number of directions; one fewer than clusters tells these apart.
          num_updates: how many updates stay in them.
          seed: seed of the moves; a pair of integers repeats exactly.

        Raises:
          TypeError: if the base has no such weights.
          ValueError: if another argument does not fit.
        """
        super().__init__()
        self._base = base
        self._weights, self._seed = _variable(base), sanitize_seed(seed, salt="low_rank_start")
        num_visible = self._weights.shape[0]
        most = min(self._weights.shape)
        rank = checks.positive_integer("rank", rank)
        if rank > most:
            raise ValueError(
                f"`rank` must be at most the size of the smaller layer, {most}, got {rank}."
            )
        self._num_updates = checks.positive_integer("num_updates", num_updates)
        values = states.as_tensor("values", values, self._weights.dtype)
        if values.shape.rank != 2 or values.shape[0] < 2 or values.shape[1] < num_visible:
            raise ValueError(
                f"`values` must have shape [N, n], N at least 2 and n at least {num_visible}, "
                f"the number of visible units, got shape {values.shape}."
            )
        checks.finite("values", values)
        visible = values[:, :num_visible]
        centred = visible - tf.reduce_mean(visible, axis=0)
        covariance = tf.matmul(centred, centred, transpose_a=True) / len(centred)
        self._directions = tf.linalg.eigh(covariance)[1][:, -rank:]

    def set_model(self, model: keras.Model) -> None:
        """Takes the trainer, whose number of sweeps the chains are moved by."""
        super().set_model(model)
        self._move = chain_mover(self._base, model.gibbs_steps)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Projects the weights, as long as the updates are among the first."""
        count = int(self.model.num_updates.numpy())
        if count > self._num_updates:
            return
        within = tf.matmul(self._directions, self._weights, transpose_a=True)
        self._weights.assign(tf.matmul(self._directions, within))
        self._move(samplers.fold_in(self._seed, count))


def _variable(base):
    """Returns the variable of a base's weights."""
    weights = getattr(base, "weights", None)
    weights = getattr(weights, "pretransformed_input", weights)
    is_matrix = isinstance(weights, tf.Variable) and weights.shape.rank == 2
    if not isinstance(base, BoltzmannMachine) or not is_matrix:
        raise TypeError(
            "`base` must be a machine with `weights`, a variable of shape [num_visible, "
            f"num_hidden], as `SmoothedRBM.create` makes it; got {type(base).__name__}."
        )
    return weights
