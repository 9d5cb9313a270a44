"""Keras callbacks that watch training: pictures, chains, TensorBoard, lost numbers."""

import pathlib

import tensorflow as tf

from tfp_ebm import plots
from tfp_ebm.distributions import BoltzmannMachine
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc import ParallelTempering, diagnose
from tfp_ebm.training.diagnosis import first_nonfinite
from tfp_ebm.training.epoch_loss import UNNORMALIZED_LOSS
from tfp_ebm.training.strategies import is_chief

__all__ = ["ChainHealth", "NonFiniteError", "SampleGrids", "TensorBoard", "TerminateOnNonFinite"]


class NonFiniteError(ArithmeticError):
    """Training met a number that is not finite.

    >>> from tfp_ebm import training
    >>> issubclass(training.NonFiniteError, ArithmeticError)
    True
    """


class TerminateOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first loss or gradient that is not finite, and says where it is from.

    The trainer leaves the weights out of such an update, so they are still good, and no checkpoint
    is written after it.

    >>> import numpy as np, tensorflow_probability as tfp, tf_keras
    >>> from tfp_ebm import training
    >>> normal = tfp.distributions.MultivariateNormalDiag(scale_diag=tf.Variable([1.0, 1.0]))
    >>> trainer = training.LikelihoodModel(normal)
    >>> trainer.compile(optimizer=tf_keras.optimizers.SGD(0.1))
    >>> stop = training.TerminateOnNonFinite()
    >>> trainer.fit(np.full([8, 2], 1e30, np.float32), callbacks=[stop], verbose=0)
    Traceback (most recent call last):
      ...
    tfp_ebm.training.callbacks.monitors.NonFiniteError: ...
    """

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the loss.

        Raises:
          NonFiniteError: naming the update and the first bad part of the model.
        """
        logs = logs or {}
        loss = logs.get("loss", logs.get(UNNORMALIZED_LOSS, 0.0))
        if tf.math.is_finite(loss):
            return
        update = int(self.model.num_updates.numpy()) - 1
        where = first_nonfinite(*self.model.training_case(update))
        raise NonFiniteError(
            f"The loss or its gradient is not finite in update {update}, first in "
            f"{where or 'a draw that another look does not repeat'}. The weights are those before "
            "it. Lower the learning rate, clip gradients (`global_clipnorm` of Keras optimizers), "
            "or look at the data."
        )


class SampleGrids(keras.callbacks.Callback):
    """Saves a picture of samples after every epoch, from the same seed: `epoch-0001.png`, ...

    >>> import os, tempfile
    >>> from tfp_ebm import training
    >>> folder = os.path.join(tempfile.mkdtemp(), "samples")
    >>> grids = training.SampleGrids(folder, num_samples=16)  # fit(..., callbacks=[grids])
    """

    def __init__(
        self, folder: str | pathlib.Path, num_samples: int = 64, seed: Seed = (0, 4)
    ) -> None:
        """Constructs the callback.

        Args:
          folder: where the pictures go.
          num_samples: number of images in a picture.
          seed: seed of the samples.
        """
        super().__init__()
        self._folder = pathlib.Path(folder)
        self._num_samples = checks.positive_integer("num_samples", num_samples)
        self._seed = seed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draws and saves."""
        if not is_chief(self.model.distribute_strategy):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.model.averaged_weights():
            images = self.model.sample_source.sample(self._num_samples, seed=self._seed)
        plots.sample_grid(
            images.numpy(),
            self._folder / f"epoch-{epoch + 1:04d}.png",
            self.model.distribution.num_levels,
            title=f"epoch {epoch + 1}",
        )


class ChainHealth(keras.callbacks.Callback):
    """Adds to the logs of every epoch how the persistent chains mix.

    * `chains_moved`: share of units that change in a sweep;
    * `chains_autocorrelation_time`: sweeps between two independent states;
    * `chains_distinct`: share of chains whose state no other chain has;
    * `chains_swapped`: share of accepted swaps, the least over temperatures, where chains temper.

    Of several machines the worst figure is told. Chains that hardly move, or that are few distinct
    ones, give a biased gradient: take more sweeps, a replay buffer or tempering. The chains stay
    where they are. Put it before callbacks that write logs.

    >>> import numpy as np, tf_keras
    >>> from tfp_ebm import distributions, training
    >>> points = np.random.default_rng(0).normal(size=[32, 5]).astype("float32")
    >>> base = distributions.SmoothedRBM.create(3, 2, sampler="persistent", num_chains=8)
    >>> trainer = training.LikelihoodModel(base)
    >>> trainer.compile(optimizer=tf_keras.optimizers.Adam(0.1))
    >>> health = training.ChainHealth(num_steps=5)
    >>> history = trainer.fit(points, callbacks=[health], verbose=0).history
    >>> any(name.startswith("chains") for name in history)
    True
    """

    def __init__(self, num_steps: int = 100, seed: Seed = (0, 5)) -> None:
        """Constructs the callback.

        Args:
          num_steps: sweeps of the diagnosis, see `tfp_ebm.mcmc.diagnose`.
          seed: its seed.
        """
        super().__init__()
        self._num_steps = checks.positive_integer("num_steps", num_steps, minimum=4)
        self._seed = seed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Runs the chains for a while, aside, and reports."""
        found = {}
        for part in self.model.energy_based:
            if not isinstance(part, BoltzmannMachine) or part.chains is None:
                continue
            health = diagnose(part.machine(), part.chains.units, self._num_steps, self._seed)
            figures = {
                "chains_moved": health.moved,
                "chains_autocorrelation_time": tf.reduce_mean(health.autocorrelation_time),
                "chains_distinct": health.distinct,
            }
            if isinstance(part.chains, ParallelTempering):
                figures["chains_swapped"] = tf.reduce_min(part.chains.swap_rates)
            for name, value in figures.items():
                found.setdefault(name, []).append(float(value))
        for name, values in found.items():
            logs[name] = max(values) if name == "chains_autocorrelation_time" else min(values)


class TensorBoard(keras.callbacks.Callback):
    """Writes scalars, samples and the singular values of the base's couplings for TensorBoard.

    A bank of filters counts as the matrix from what it covers to its outputs.

    >>> import tempfile
    >>> from tfp_ebm import training
    >>> board = training.TensorBoard(tempfile.mkdtemp())  # fit(..., callbacks=[board])
    """

    def __init__(self, folder: str | pathlib.Path, num_samples: int = 16) -> None:
        """Constructs the callback.

        Args:
          folder: the log folder.
          num_samples: number of images of an epoch; 0: none.

        Raises:
          ImportError: if the package tensorboard, which holds the file format, is missing.
        """
        super().__init__()
        try:
            import tensorboard  # noqa: F401
        except ImportError:
            raise ImportError(
                'TensorBoard files need the package tensorboard: pip install "tfp-ebm[tensorboard]"'
            ) from None
        self._num_samples = checks.positive_integer("num_samples", num_samples, minimum=0)
        self._folder = str(folder)
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the epoch."""
        if not is_chief(self.model.distribute_strategy):
            return
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self._folder)
        model = self.model.distribution
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, value)
            couplings = [
                (part.name, coupling)
                for part in self.model.energy_based
                for coupling in part.couplings
            ]
            for index, (name, coupling) in enumerate(couplings):
                # The first keeps the plain name; parts may be called alike.
                suffix = f"_{index}" if index else ""
                tf.summary.histogram(f"{name}/singular_values{suffix}", _singular_values(coupling))
            if self._num_samples and model.event_shape.rank == 3 and hasattr(model, "num_levels"):
                images = tf.cast(model.sample(self._num_samples, seed=(0, 6)), tf.float32)
                images /= model.num_levels - 1
                tf.summary.image("samples", images, max_outputs=self._num_samples)
        self._writer.flush()


def _singular_values(coupling):
    matrix = tf.reshape(coupling, [-1, coupling.shape[-1]])
    return tf.linalg.svd(matrix, compute_uv=False)
