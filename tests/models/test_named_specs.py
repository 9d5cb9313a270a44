import pytest

from tfp_ebm import models
from tfp_ebm.models import DataSpec, ModelSpec, named_spec, with_options

DATA = DataSpec((8, 8, 1), 17)


def test_every_name_has_a_description_of_known_parts():
    for name in models.names():
        assert models.descriptions()[name]
        models.check(named_spec(name, DATA))
        with pytest.raises(ValueError, match=f"{name} takes data of any size"):
            named_spec(name)
    for name in models.preset_names():
        models.check(named_spec(name))


def test_options_go_to_the_first_part_that_has_them():
    spec = named_spec("rbm_flow", DATA, num_filters=6, delta=2.0, noise="variational")
    assert spec.flow == ("flow_plus_plus", {"num_filters": 6})
    assert spec.base == ("rbm", {"delta": 2.0}) and spec.noise == ("variational", {})
    both = with_options(spec, **{"num_filters": 8, "noise.num_filters": 4})
    assert both.flow[1] == {"num_filters": 8} and both.noise[1] == {"num_filters": 4}
    assert models.option_names(both)["num_filters"] == "flow"
    assert models.option_names(both)["noise.num_filters"] == "noise"
    assert spec.flow[1] == {"num_filters": 6}
    more = with_options(spec, num_blocks=1)
    assert more.flow[1] == {"num_filters": 6, "num_blocks": 1}


def test_a_part_of_another_name_starts_anew_and_of_the_same_stays():
    spec = named_spec("rbm_flow", DATA, delta=2.0)
    assert with_options(spec, base="rbm") == spec
    assert with_options(spec, base="spins").base == ("spins", {})
    assert with_options(spec, base=("rbm", {})).base == ("rbm", {})
    assert with_options(spec, base="spins", delta=3.0).base == ("spins", {"delta": 3.0})
    extra = {"num_augmented": 1, "posterior": "variational", "posterior.num_blocks": 1}
    posterior = with_options(spec, **extra).posterior
    assert posterior == ("variational", {"num_blocks": 1})
    assert with_options(spec, num_couplings=3).flow[1] == {"num_couplings": (3,)}
    assert with_options(spec, dtype="float64", num_augmented=2).num_augmented == 2


def test_the_usual_flow_suits_the_data():
    assert named_spec("rbm_flow", DATA).flow[0] == "flow_plus_plus"
    table = named_spec("rbm_flow", DataSpec((3,), columns=("integer", 2, "continuous")))
    assert "vectors" in models.registry.find("flow", table.flow[0]).data


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: named_spec("rbm_flo", DATA), "Did you mean 'rbm_flow'"),
        (lambda: named_spec("d_flow", DATA, sampler="replay"), "`option of d_flow` must be one"),
        (lambda: named_spec("d_flow", DATA, num_filter=3), "Did you mean 'num_filters'"),
        (
            lambda: with_options(ModelSpec(DATA, "nice"), width=3),
            "`option of the model` must be one of",
        ),
        (lambda: named_spec("d_flow", DATA, flow="glo"), "Did you mean 'glow'"),
    ],
)
def test_what_is_unknown_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
