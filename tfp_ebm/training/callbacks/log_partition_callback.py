"""A Keras callback that sets and reports how log Z is renewed."""

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import Seed
from tfp_ebm.training.epoch_loss import Annealing, log_partition_record

__all__ = ["LogPartitionCallback"]


class LogPartitionCallback(keras.callbacks.Callback):
    """Sets how log Z is renewed at the end of each epoch, and reports it.

    The weights in place are then those that are evaluated, averaged or not, so that the metrics
    are those of one normalised model. The records of all machines are summed in the epoch's logs:
    `log_partition` and `log_partition_error`, nats.

    >>> from tfp_ebm import training
    >>> renewal = training.LogPartitionCallback(num_chains=64, num_steps=200, seed=(0, 1))
    >>> # trainer.fit(..., callbacks=[renewal])
    """

    def __init__(self, num_chains: int = 256, num_steps: int = 500, seed: Seed = None) -> None:
        """Constructs the callback.

        Args:
          num_chains: number of annealed chains.
          num_steps: number of temperatures.
          seed: seed of the estimates; a pair of integers repeats exactly.
        """
        super().__init__()
        num_chains = checks.positive_integer("num_chains", num_chains, minimum=2)
        self._annealing = Annealing(
            num_chains, checks.positive_integer("num_steps", num_steps), seed
        )

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes the place of the trainer's own choice, until `fit` ends."""
        self.model.annealing = self._annealing

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Reports."""
        if logs is None or not self.model.energy_based:
            return
        with self.model.as_evaluated():
            records = [log_partition_record(part) for part in self.model.energy_based]
        logs["log_partition"] = sum(float(record.value) for record in records)
        logs["log_partition_error"] = sum(float(record.standard_error) for record in records)
