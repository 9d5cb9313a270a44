"""How the chains of a new machine are started."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypedDict

import tensorflow as tf

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.climbers import is_narrow
from tfp_ebm.mcmc.methods import start_chains
from tfp_ebm.mcmc.persistent_chains import PersistentChains

__all__ = ["ChainOptions", "StartChains", "with_chain_options"]


class ChainOptions(TypedDict, total=False):
    """Options of every `create` of a machine: its dtype, and where its samples come from.

    >>> from tfp_ebm import distributions
    >>> options = {"sampler": "persistent", "num_chains": 8}
    >>> base = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2, **options)
    >>> type(base.chains).__name__, base.chains.num_chains
    ('PersistentChains', 8)

    Args:
      sampler: where the gradient of log Z comes from: `"weighted"`, `"persistent"`, `"replay"`,
        `"tempering"` or `"contrastive"`, see `tfp_ebm.mcmc.start_chains`. None: no chains but exact
        sums where at most 12 units have to be enumerated, else weighted ones.
      num_chains: number of chains. None: 1,024 weighted ones of a hidden layer that is narrow
        enough for scouts to climb in (32 units), where more of them cost little and the gradient
        is the noisier for fewer; else 512.
      sampler_options: further arguments of the sampler's class, such as `{"size": 10_000}` of a
        replay buffer or `{"num_sweeps": 5}` of contrastive divergence.
      num_gibbs_steps: sweeps between the chains and a sample; 200 in the papers.
      dtype: dtype of the variables, float32 by default.
      seed: seed of the first weights and chains; a pair of integers repeats exactly.
      name: name of the distribution; None: that of its class.
    """

    sampler: str | None
    num_chains: int | None
    sampler_options: Mapping[str, Any] | None
    num_gibbs_steps: int
    dtype: tf.DType
    seed: Seed
    name: str | None


_SAMPLING = {"sampler": None, "num_chains": None, "sampler_options": None, "num_gibbs_steps": 200}
_DEFAULTS = {**_SAMPLING, "dtype": tf.float32, "seed": None, "name": None}

with_chain_options = spelled_out(ChainOptions, _DEFAULTS)


@dataclasses.dataclass(frozen=True)
class StartChains:
    """Chains to be started once there is a machine; see `ChainOptions`.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> mcmc.StartChains("persistent", num_chains=8, seed=(0, 1)).start(machine).num_chains
    8
    """

    sampler: str | None = None
    num_chains: int | None = None
    sampler_options: Mapping[str, Any] | None = None
    seed: Seed = None

    def start(self, machine: AnnealedMachine) -> PersistentChains:
        """Returns the chains, at the machine's independent reference."""
        method, options = self.sampler or "weighted", self.sampler_options or {}
        num_chains = self.num_chains
        if num_chains is None:
            num_chains = 1024 if method == "weighted" and is_narrow(machine) else 512
        return start_chains(method, machine, num_chains, self.seed, **options)

    @classmethod
    def arguments(cls, options: ChainOptions, seed: Seed = None) -> dict[str, Any]:
        """Returns `chains`, `num_gibbs_steps` and, if given, `name` of a machine's constructor.

        Args:
          options: what `create` was given.
          seed: seed of the chains; None: that of the options.

        Raises:
          TypeError: if there is no such option.
        """
        if unknown := set(options) - set(_DEFAULTS):
            raise TypeError(
                f"`create` has no argument {sorted(unknown)[0]!r}; where samples come from is said "
                f"by {', '.join(_SAMPLING)}."
            )
        chosen = {name: options.get(name, default) for name, default in _SAMPLING.items()}
        num_gibbs_steps = chosen.pop("num_gibbs_steps")
        named = {"name": name} if (name := options.get("name")) else {}
        seed = options.get("seed") if seed is None else seed
        return {"chains": cls(**chosen, seed=seed), "num_gibbs_steps": num_gibbs_steps, **named}
