"""How the chains of a new machine are started."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc.methods import start_chains
from tfp_ebm.mcmc.persistent_chains import PersistentChains

__all__ = ["ChainOptions", "StartChains", "with_chain_options"]

_Create = TypeVar("_Create", bound=Callable)


class ChainOptions(TypedDict, total=False):
    """Options of every `create` of a machine: where its samples come from.

    Args:
      sampler: where the gradient of log Z comes from: `"weighted"`, `"persistent"`, `"replay"`,
        `"tempering"` or `"contrastive"`, see `tfp_ebm.mcmc.start_chains`. None: no chains but exact
        sums where at most 12 units have to be enumerated, else weighted ones.
      num_chains: number of chains.
      sampler_options: further arguments of the sampler's class, such as `{"size": 10_000}` of a
        replay buffer or `{"num_sweeps": 5}` of contrastive divergence.
      num_gibbs_steps: sweeps between the chains and a sample; 200 in the papers.
    """

    sampler: str | None
    num_chains: int
    sampler_options: Mapping[str, Any] | None
    num_gibbs_steps: int


_DEFAULTS = {"sampler": None, "num_chains": 512, "sampler_options": None, "num_gibbs_steps": 200}
_PLACE = "  **options: `ChainOptions`.\n"


@dataclasses.dataclass(frozen=True)
class StartChains:
    """Chains to be started once there is a machine; see `ChainOptions`."""

    sampler: str | None = None
    num_chains: int = 512
    sampler_options: Mapping[str, Any] | None = None
    seed: Seed = None

    def start(self, machine: AnnealedMachine) -> PersistentChains:
        """Returns the chains, at the machine's independent reference."""
        method, options = self.sampler or "weighted", self.sampler_options or {}
        return start_chains(method, machine, self.num_chains, self.seed, **options)

    @classmethod
    def arguments(cls, seed: Seed, options: ChainOptions) -> dict[str, Any]:
        """Returns `chains` and `num_gibbs_steps` of a machine's constructor.

        Raises:
          TypeError: if there is no such option.
        """
        if unknown := set(options) - set(_DEFAULTS):
            raise TypeError(
                f"`create` has no argument {sorted(unknown)[0]!r}; where samples come from is said "
                f"by {', '.join(_DEFAULTS)}."
            )
        chosen = {**_DEFAULTS, **options}
        num_gibbs_steps = chosen.pop("num_gibbs_steps")
        return {"chains": cls(**chosen, seed=seed), "num_gibbs_steps": num_gibbs_steps}


def with_chain_options(create: _Create) -> _Create:
    """Spells out `**options: Unpack[ChainOptions]` in the signature and docstring of a function."""
    signature = inspect.signature(create)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    types = ChainOptions.__annotations__
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=types[name]
        )
        for name, value in _DEFAULTS.items()
    ]
    create.__signature__ = signature.replace(parameters=[*own, *added])
    described = inspect.getdoc(ChainOptions).partition("Args:\n")[2] + "\n"
    create.__doc__ = inspect.getdoc(create).replace(_PLACE, described)
    return create
