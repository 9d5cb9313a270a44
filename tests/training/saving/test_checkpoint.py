import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import distributions, models
from tfp_ebm.training import checkpoint

OPTIONS = {"num_levels": 5, "num_filters": 4, "num_components": 2, "num_blocks": 1}


def small(name="rbm_flow", **options):
    return models.create(name, (2, 8, 2), num_couplings=(1, 1, 1), **{**OPTIONS, **options})


@pytest.fixture
def saved(tmp_path):
    model = small()
    for index, variable in enumerate(model.trainable_variables):
        variable.assign(0.1 * tf.random.stateless_normal(variable.shape, (0, index)))
    model.distribution.distribution.update_chains(3, seed=(0, 1))
    model.distribution.distribution.estimate_log_partition()
    checkpoint.save(model, tmp_path / "checkpoint")
    return model, tmp_path / "checkpoint"


def test_everything_comes_back(saved):
    model, folder = saved
    again = small()
    checkpoint.restore(again, folder)
    assert len(again.variables) == len(model.variables) > 20
    for one, other in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "no manifest"])
def test_damage_is_named_and_nothing_is_deleted(saved, damage):
    _, folder = saved
    data = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    if damage == "flip":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif damage == "truncate":
        data.write_bytes(data.read_bytes()[:100])
    elif damage == "remove":
        data.unlink()
    elif damage == "manifest":
        (folder / "manifest.json").write_text("{")
    else:
        (folder / "manifest.json").unlink()
    before = sorted(folder.iterdir())
    named = data.name if damage in ("flip", "truncate", "remove") else r"manifest\.json"
    with pytest.raises(checkpoint.CheckpointError, match=named):
        checkpoint.restore(small(), folder)
    assert sorted(folder.iterdir()) == before


def test_checkpoint_of_another_model_is_refused(saved):
    _, folder = saved
    with pytest.raises(checkpoint.CheckpointError, match="belongs to another model"):
        checkpoint.restore(small("rbm_flow", num_filters=6), folder)


def test_saving_again_replaces_the_checkpoint_whole(saved):
    model, folder = saved
    model.trainable_variables[0].assign_add(tf.ones_like(model.trainable_variables[0]))
    checkpoint.save(model, folder)
    again = small()
    checkpoint.restore(again, folder)
    np.testing.assert_array_equal(
        again.trainable_variables[0].numpy(), model.trainable_variables[0].numpy()
    )
    assert sorted(path.name for path in folder.parent.iterdir()) == ["checkpoint"]


@pytest.mark.parametrize(
    ("saved", "made", "word"),
    [
        ({"sampler": "persistent"}, {"sampler": "weighted"}, "chains than its WeightedChains;"),
        ({"sampler": "weighted"}, {"sampler": "persistent"}, "chains than its PersistentChains;"),
        ({"num_chains": 4}, {"num_chains": 5}, r"shape \(4,"),
    ],
)
def test_other_chains_are_refused(saved, made, word, tmp_path):
    def make(**options):
        options = {"num_chains": 4, "seed": (0, 1), **options}
        return distributions.SmoothedRBM.create(13, 13, **options)

    checkpoint.save(make(**saved), tmp_path / "model")
    checkpoint.restore(make(**saved), tmp_path / "model")
    with pytest.raises(checkpoint.CheckpointError, match="another kind or number of chains"):
        checkpoint.restore(make(**made), tmp_path / "model")
    with pytest.raises(checkpoint.CheckpointError, match=word):
        checkpoint.restore(make(**made), tmp_path / "model")


@pytest.mark.parametrize(
    ("saved", "made", "named"),
    [
        (
            lambda: small("d_flow", delta=2.0),
            lambda: small("d_flow", delta=3.0),
            r"DiscreteMixture.delta \(2.0 there, 3.0 here\)",
        ),
        (
            lambda: small("d_flow"),
            lambda: small("d_flow", alpha=0.1),
            r"ImageToLogit.alpha \(0.05 there, 0.1 here\)",
        ),
        (
            lambda: small("d_flow", num_levels=17),
            lambda: small("d_flow", num_levels=16),
            r"Dequantized.num_levels \(17.0 there, 16.0 here\)",
        ),
    ],
)
def test_other_constants_are_refused(saved, made, named, tmp_path):
    checkpoint.save(saved(), tmp_path / "model")
    checkpoint.restore(saved(), tmp_path / "model")
    with pytest.raises(checkpoint.CheckpointError, match=named):
        checkpoint.restore(made(), tmp_path / "model")
