import pytest

from tfp_ebm import cli, datasets, models
from tfp_ebm.internal.train_options import OPTIONS, check_options, flag
from tfp_ebm.runs import configuration
from tfp_ebm.runs.configuration import changed_config, new_config

VALUES = {
    "num_filters": 4,
    "num_components": 2,
    "num_blocks": 1,
    "dropout_rate": 0.1,
    "delta": 2.0,
    "learn_delta": True,
    "sampler": "replay",
    "noise": "variational",
}


IMAGES = datasets.known_sizes()
NAMES = [*models.names(), *models.preset_names()]


@pytest.fixture
def few_images(monkeypatch):
    """Six images of every data set."""

    def load(name, data_dir=None, **options):
        return configuration.sizes_of(name)

    monkeypatch.setattr(datasets, "load", load)


def fitting(model):
    """Returns the data sets whose images a model takes."""
    if model in models.names():
        return list(IMAGES)
    data = models.named_spec(model).data
    return [name for name in IMAGES if IMAGES[name] == (data.event_shape, data.num_levels)]


@pytest.mark.parametrize("model", NAMES)
def test_options_that_a_model_does_not_take_are_named_with_those_it_takes(few_images, model):
    dataset = fitting(model)[0]
    plain = models.named_spec(model, models.DataSpec(*IMAGES[dataset]))
    taken = [name for name in VALUES if name in models.option_names(plain)]
    assert "noise" in taken
    given = {name: VALUES[name] for name in taken}
    if model == "integer_flow":
        with pytest.raises(ValueError, match="has no dequantisation, got `noise` variational"):
            new_config(model, dataset, given)
        given["noise"] = "uniform"
    config, _ = new_config(model, dataset, given)
    spec = models.ModelSpec.from_dict(config["spec"])
    assert spec.noise[0] == given["noise"]
    for name in set(taken) - {"noise"}:
        field = models.option_names(plain)[name]
        assert getattr(spec, field)[1][name] == VALUES[name]
    for name in set(VALUES) - set(taken):
        with pytest.raises(ValueError) as error:
            new_config(model, dataset, {name: VALUES[name]})
        message = str(error.value)
        assert message.startswith(f"{model} does not take {flag(name)}; ")
        assert all(flag(other) in message for other in taken)


def test_parts_and_any_option_of_theirs(few_images):
    given = {
        "flow": "glow",
        "base": "conv_rbm",
        "set": ["num_scales=1", "base.kernel_sizes=3", "base.strides=[1]", "flow.alpha=0.1"],
    }
    config, _ = new_config("rbm_flow", "digits", given)
    assert config["spec"]["flow"] == ["glow", {"num_scales": 1, "alpha": 0.1}]
    assert config["spec"]["base"] == ["conv_rbm", {"kernel_sizes": 3, "strides": [1]}]
    config, _ = new_config(None, "digits", {"flow": "nice", "set": ["hidden_units=8,9"]})
    assert config["spec"]["flow"] == ["nice", {"hidden_units": [8, 9]}]
    assert config["model"] == "normal nice"
    for entry, message in (
        ("num_scales", "`--set` must be OPTION=VALUE"),
        ("flow.num_scale=1", "Did you mean 'flow.num_scales'"),
    ):
        with pytest.raises(ValueError, match=message):
            new_config("glow", "digits", {"set": [entry]})
    named = configuration._columns(["a=b=integer", "price=0.5"])
    assert named == {"a=b": "integer", "price": 0.5}
    with pytest.raises(ValueError, match="`--column` must be NAME=KIND"):
        new_config("glow", "digits", {"column": ["price"]})
    with pytest.raises(ValueError, match="conv_rbm stands on the parts of a flow"):
        models.build(
            models.ModelSpec.from_dict(
                new_config("nice", "digits", {"base": "conv_rbm"})[0]["spec"]
            )
        )


def test_a_split_seed_of_0_is_one(monkeypatch, tmp_path):
    given = []

    def load(name, data_dir=None, **options):
        given.append(options)
        return configuration.sizes_of("digits")

    monkeypatch.setattr(datasets, "load", load)
    config, _ = new_config("nice", "tfds:digits", {"split_seed": 0})
    assert given == [{"split_seed": 0}] and config["data"] == {"split_seed": 0}
    assert changed_config(config, {"split_seed": 0}, tmp_path, 1) is config
    assert new_config("nice", "digits", {})[0]["data"] == {} and given[1] == {}


def test_dropout_is_that_of_small_data_where_nothing_is_said(few_images):
    def dropout(model, **given):
        flow = new_config(model, "digits", given)[0]["spec"]["flow"]
        return None if isinstance(flow, str) else flow[1].get("dropout_rate")

    assert dropout("rbm_flow") == 0.3 and dropout("small_8x8") is None
    assert dropout("rbm_flow", dropout_rate=0.1) == 0.1
    assert dropout("rbm_flow", set=["flow.dropout_rate=0"]) == 0
    assert dropout("rbm_flow", set=["dropout_rate=0.2"]) == 0.2
    assert dropout("rbm_flow", dropout_rate=0.1, set=["dropout_rate=0.2"]) == 0.2
    assert dropout("nice") is None


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--bogus 3", "`train` does not take --bogus."),
        ("--num-filterz 3", "`train` does not take --num-filterz. Did you mean --num-filters?"),
        ("--num-filters", "--num-filters: expected one argument"),
        ("--num-filters x", "`--num-filters` must be an integer of at least 1, got 'x'"),
        ("--num-filters 2.0", "`--num-filters` must be an integer of at least 1, got '2.0'"),
        ("--num-filters 0", "`--num-filters` must be an integer of at least 1, got 0"),
        ("--num-blocks -1", "`--num-blocks` must be an integer of at least 0, got -1"),
        ("--dropout-rate 1", "`--dropout-rate` must be a number from 0 to below 1, got 1.0"),
        ("--dropout-rate nan", "`--dropout-rate` must be a number from 0 to below 1, got nan"),
        ("--noise gaussian", "`--noise` must be one of uniform, variational, got 'gaussian'"),
        ("--seed 2147483648", "`--seed` must be an integer from 0 to 2147483647, got 2147483648"),
        (
            "--learning-rate fast",
            "`--learning-rate` must be a finite number above 0, to 1e38, got 'fast'",
        ),
        ("--learn-delta 3", "`train` does not take 3."),
    ],
)
def test_a_wrong_option_of_any_model_is_one_line(few_images, capsys, model, option, message):
    arguments = ["train", model, "--dataset", fitting(model)[0], "--dry-run", *option.split()]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tfp-ebm: ") and error.count("\n") == 1 and message in error


@pytest.mark.parametrize("preset", models.preset_names())
def test_a_preset_takes_the_images_that_it_is_for(few_images, capsys, preset):
    for dataset in IMAGES:
        if dataset in fitting(preset):
            config, _ = new_config(preset, dataset, {})
            assert tuple(config["spec"]["data"]["event_shape"]) == IMAGES[dataset][0]
            continue
        assert cli.main(["train", preset, "--dataset", dataset, "--dry-run"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"tfp-ebm: {preset} is for images of ") and error.count("\n") == 1
        assert f"but `--dataset` {dataset} has " in error and "rbm_flow" in error
        others = [name for name in models.preset_names() if dataset in fitting(name)]
        assert all(name in error for name in others)


@pytest.mark.slow
def test_rates_of_parts_without_parameters_are_refused_without_training(few_images, capsys):
    arguments = "train gaussian_flow --dataset digits --dry-run --num-filters 4 --num-blocks 0"
    assert cli.main([*arguments.split(), "--base-learning-rate", "0.1"]) == 2
    assert "the base of gaussian_flow has no parameters" in capsys.readouterr().err


@pytest.mark.parametrize("preset", ["official_cifar10_flow_plus_plus", "official_cifar10_vflow"])
def test_heads_that_do_not_divide_the_width_are_told(few_images, capsys, preset):
    arguments = ["train", preset, "--dataset", "cifar10", "--dry-run", "--num-filters", "6"]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    expected = "`num_filters` must be a multiple of `num_heads`, got 6 filters and 4 heads; take 8"
    assert expected in error and error.count("\n") == 1


def test_an_option_of_another_model_is_one_line(capsys):
    arguments = "train small_vflow_28x28 --dataset digits --dry-run --delta 2".split()
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tfp-ebm: small_vflow_28x28 does not take --delta; ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("epochs", 1, 0),
        ("learning_rate", 1e-9, float("nan")),
        ("base_learning_rate", 1e38, 1e39),
        ("noise_learning_rate", 0.1, -0.1),
        ("warmup_steps", 0, -1),
        ("decay_rate", 1.0, 1.01),
        ("clip_norm", 0.1, 0.0),
        ("base_weight_penalty", 0.0, float("inf")),
        ("ema_momentum", 0.0, 1.0),
        ("patience", 1, 0),
        ("gibbs_steps", 0, -1),
        ("seed", 2**31 - 1, 2**31),
        ("dropout_rate", 0.0, 1.0),
        ("num_blocks", 0, -1),
        ("delta", 0.1, 0.0),
        ("quality_samples", 3, 2),
        ("checkpoint_every", 1, 0),
        ("schedule", "cosine", "cosin"),
        ("sampler", "replay", "reply"),
    ],
)
def test_values_are_checked_before_anything_is_done(name, good, bad):
    check_options({name: good})
    with pytest.raises(ValueError, match=f"`{flag(name)}` must be .*, got"):
        check_options({name: bad})


# Names and paths, which others look at.
FREE = ("condition", "data_dir", "flow", "base", "label", "quality_network")


def test_every_number_and_word_has_its_range():
    for option in OPTIONS:
        has_range = option.range is not None or option.choices is not None
        is_free = option.kind in (bool, list) or option.name in FREE
        assert has_range != is_free, option.name
        check_options({option.name: option.default})


def test_changes_are_recorded_and_add_up(tmp_path):
    config, _ = new_config("rbm_flow", "digits", {"base_learning_rate": 0.1})
    assert changed_config(config, {"epochs": 40, "seed": None}, tmp_path, 5) is config
    once = changed_config(config, {"epochs": 50, "base_learning_rate": 0.2}, tmp_path, 5)
    twice = changed_config(once, {"epochs": 60, "strategy": "mirrored"}, tmp_path, 9)
    assert twice["epochs"] == 60 and twice["base_learning_rate"] == 0.2
    assert twice["strategy"] == config["strategy"]
    assert [change["update"] for change in twice["changes"]] == [5, 9]
    assert twice["changes"][1]["options"] == {"epochs": {"from": 50, "to": 60}}
    assert "changes" not in config
