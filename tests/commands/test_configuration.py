import pytest

from tfp_ebm import cli, models
from tfp_ebm.commands.configuration import changed_config, new_config
from tfp_ebm.internal.train_options import MODEL_OPTIONS, OPTIONS, check_options, flag

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


@pytest.mark.parametrize("model", [*models.names(), *models.preset_names()])
def test_options_that_a_model_does_not_take_are_named_with_those_it_takes(model):
    taken = [name for name in MODEL_OPTIONS if name in models.option_names(model)]
    assert {"num_filters", "num_components", "noise"} <= set(taken)
    config, _ = new_config(model, "digits", {name: VALUES[name] for name in taken})
    assert {name: config["model_options"][name] for name in taken} == {
        name: VALUES[name] for name in taken
    }
    for name in set(MODEL_OPTIONS) - set(taken):
        with pytest.raises(ValueError) as error:
            new_config(model, "digits", {name: VALUES[name]})
        message = str(error.value)
        assert message.startswith(f"{model} does not take {flag(name)}; ")
        assert all(flag(other) in message for other in taken)


def test_the_issue_of_a_preset_is_one_line(capsys):
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
        ("quality_samples", 2, 1),
        ("checkpoint_every", 1, 0),
        ("schedule", "cosine", "cosin"),
        ("sampler", "replay", "reply"),
    ],
)
def test_values_are_checked_before_anything_is_done(name, good, bad):
    check_options({name: good})
    with pytest.raises(ValueError, match=f"`{flag(name)}` must be .*, got"):
        check_options({name: bad})


def test_every_number_and_word_has_its_range():
    for option in OPTIONS:
        has_range = option.range is not None or option.choices is not None
        assert has_range == (option.kind is not bool and option.name != "data_dir"), option.name
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
