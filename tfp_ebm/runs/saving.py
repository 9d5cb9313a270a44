"""Models in folders: written and read in one call, in any program."""

import pathlib

from tfp_ebm import models
from tfp_ebm.internal import checks
from tfp_ebm.internal.json_files import read_json
from tfp_ebm.internal.types import Distribution
from tfp_ebm.runs.conditions import inside
from tfp_ebm.runs.configuration import versions
from tfp_ebm.runs.run_folder import load_model, write_json
from tfp_ebm.runs.trained import trained_folder, trained_names
from tfp_ebm.training import checkpoint

__all__ = ["load", "save"]

_DESCRIPTION = "model.json"
_CONDITIONS = ("labels", "vectors")


def save(
    model: Distribution | models.Conditional,
    folder: str | pathlib.Path,
    spec: models.ModelSpec | None = None,
) -> None:
    """Writes a model to a folder: its description, weights, chains and log Z.

    >>> import tempfile, tfp_ebm
    >>> model = models.eb_and_flow((2, 2, 1), 5, num_hidden=3, hidden_units=[4])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/mine")
    ...     again = load(f"{folder}/mine")
    >>> images = model.sample(3, seed=(0, 1))
    >>> difference = again.log_prob(images, seed=(0, 2)) - model.log_prob(images, seed=(0, 2))
    >>> difference.numpy().tolist()
    [0.0, 0.0, 0.0]

    Args:
      model: a model that `models.build` made, or a function such as `models.rbm_flow`, or a
        `models.Conditional` of one.
      folder: where to write; a model that was saved there is replaced when the new one is whole.
      spec: the description of a model that was made otherwise, with the same variables.

    Raises:
      ValueError: if the model has no description, or the folder holds something else.
      CheckpointError: if it cannot be written, as on a full disk.
    """
    folder = pathlib.Path(folder)
    spec = models.spec_of(inside(model)) if spec is None else spec
    if folder.exists() and not (folder / _DESCRIPTION).is_file() and any(folder.iterdir()):
        raise ValueError(
            f"`folder` {folder} exists and holds no saved model; it is left as it is. Choose "
            "another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.save(inside(model), folder / "checkpoint")
    content = {"spec": spec.to_dict(), "versions": versions()}
    if isinstance(model, models.Conditional):
        content["condition"] = "vectors" if model.num_classes is None else "labels"
    write_json(folder / _DESCRIPTION, content)


def load(folder: str | pathlib.Path) -> Distribution | models.Conditional:
    """Returns the model in a folder that `save` or `tfp-ebm train` wrote, or one that comes along.

    Of a `Conditional`, and of a run with `--condition`, it is a `Conditional`.

    >>> import tfp_ebm
    >>> model = load("digits-rbm-flow")
    >>> model.log_prob(tfp_ebm.datasets.load("digits").test[:2], seed=(0, 1)).shape
    TensorShape([2])

    Args:
      folder: the folder; or the name of a trained model, one of `tfp_ebm.runs.trained_names()`,
        where no folder has that name.

    Raises:
      ValueError: if there is no model in it, or something in it is damaged; the message names it.
        Of what is neither a folder nor a name it lists the names.
    """
    folder = pathlib.Path(folder)
    if not folder.exists() and str(folder) in trained_names():
        folder = trained_folder(str(folder))
    path = folder / _DESCRIPTION
    if (folder / "config.json").is_file():
        return load_model(folder)[1]
    if not folder.exists():
        raise ValueError(
            f"{folder} is no folder, and no trained model that comes with the package, which are "
            f"{', '.join(trained_names())}."
        )
    if not path.is_file():
        raise ValueError(
            f"{folder} holds no model: neither {_DESCRIPTION}, as `tfp_ebm.save` writes it, nor "
            "the config.json of a run."
        )
    content = read_json(path)
    try:
        spec = models.ModelSpec.from_dict(content["spec"])
        model = _as_saved(models.build(spec), content.get("condition"), spec.data.num_context)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error} Restore it from a copy.") from error
    checkpoint.restore(inside(model), folder / "checkpoint")
    return model


def _as_saved(model, condition, num_context):
    if condition is None:
        return model
    checks.choice("condition", condition, _CONDITIONS)
    return models.Conditional(model, num_context if condition == "labels" else None)
