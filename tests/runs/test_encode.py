import numpy as np
import pytest

from tfp_ebm import cli, datasets, models, runs
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.runs.run_folder import write_json
from tfp_ebm.training import checkpoint


def folder_of(spec, tmp_path):
    """Returns a run folder of a model that was not trained."""
    run = tmp_path / "run"
    run.mkdir()
    config = {"model": "mine", "dataset": "digits", "data": {}, "spec": spec.to_dict()}
    write_json(run / "config.json", config)
    checkpoint.save(models.build(spec), run / "checkpoint")
    return run


@pytest.mark.parametrize(("base", "units"), [("spins", {-1, 1}), ("gaussian_rbm", {0, 1})])
def test_codes_and_labels_of_all_parts(tmp_path, base, units):
    options = {"num_hidden": 5, "weight_scale": 3.0} if base == "gaussian_rbm" else {}
    flow = ("vector_glow", {"num_steps": 1, "hidden_units": [4]})
    run = folder_of(ModelSpec(DataSpec((8, 8, 1), 17), flow, (base, options)), tmp_path)
    path = tmp_path / "codes.npz"
    assert cli.main(["encode", str(run), "--output", str(path), "--seed", "3"]) == 0
    codes, data = np.load(path), datasets.load("digits")
    model = runs.load_model(run)[1]
    for part in ("train", "validation", "test"):
        events = getattr(data, part)
        assert codes[part].shape == (len(events), 64 if base == "spins" else 5)
        assert codes[part].dtype == np.int8 and set(np.unique(codes[part])) == units
        np.testing.assert_array_equal(codes[f"{part}_labels"], getattr(data, f"{part}_labels"))
        own = models.encode(model, events[:250], seed=(3, 0)).mode()
        assert np.mean(own == codes[part][:250]) > 0.99


def test_a_base_without_a_code_is_named(tmp_path, capsys):
    spec = ModelSpec(DataSpec((8, 8, 1), 17), ("nice", {"num_couplings": 0}))
    assert cli.main(["encode", str(folder_of(spec, tmp_path))]) == 2
    assert (
        "The base of this run, MultivariateNormalDiag, has no discrete code"
        in capsys.readouterr().err
    )
