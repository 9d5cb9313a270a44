"""Every flow with every base on every kind of data: built, trained, sampled, saved and loaded."""

import importlib.util
import itertools
import pathlib

import numpy as np
import pytest

import tfp_ebm
from tests.models.test_build import small
from tfp_ebm import datasets, models, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.models import DataSpec

# Flows that take images alone, and bases that need parts of a flow of several scales.
OF_IMAGES = ("flow_plus_plus", "glow", "image_real_nvp", "jet")
OF_SCALES = ("conv_rbm", "per_level")
# A flow and a base of whole numbers, which go with each other alone.
OF_INTEGERS = ("integer_flow", "discretized_logistic")
WITH_SCALES = ("densenet", "glow", "image_real_nvp", "residual")
QUICK = {
    ("points", "vector_glow", "gaussian_rbm"),
    ("table", "spline", "rbm"),
    ("table", "glow", "normal"),
    ("points", "nice", "per_level"),
    ("points", "elementwise", "rbm"),
    ("table", "maf", "spins"),
}
# All cells of images, of points and of the table of diamonds; of the small table the quick ones.
GRID = itertools.product(("images", "points", "diamonds"), models.flow_names(), models.base_names())
CELLS = [
    pytest.param(*cell, marks=[] if cell in QUICK else pytest.mark.slow, id="-".join(cell))
    for cell in sorted({*GRID} | QUICK | {("counts", *OF_INTEGERS)})
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few digits, points over the plane, and a table of all kinds of columns, with labels."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "jewels.csv"
    cuts = np.array(["fair", "good", "ideal"])[rng.integers(0, 3, 60)]
    rows = zip(rng.normal(5, 2, 60), rng.integers(300, 9000, 60), cuts, "ab" * 30, strict=True)
    lines = "\n".join(f"{depth:.7f},{price},{cut},{label}" for depth, price, cut, label in rows)
    path.write_text(f"depth,price,cut,label\n{lines}\n")
    images = rng.integers(0, 17, [24, 4, 4, 1]).astype(np.uint8)
    labels = np.arange(24) % 3
    parts = [part for whole in (images, labels) for part in np.split(whole, [16, 20])]
    points = rng.normal([3.0, -1.0], [2.0, 0.3], [24, 2]).astype(np.float32)
    points = [part for whole in (points, labels) for part in np.split(whole, [16, 20])]
    lines = "\n".join(f"{price},{cut}" for price, cut in zip(rng.poisson(9, 60), cuts, strict=True))
    counts = tmp_path_factory.mktemp("counts") / "counts.csv"
    counts.write_text(f"price,cut\n{lines}\n")
    return {
        "counts": datasets.load(counts),
        "images": datasets.Dataset("images", *parts, num_levels=17),
        "points": datasets.Dataset("points", *points),
        "table": datasets.load(path, label="label"),
    }


def _like_diamonds(count):
    """Returns a table with the columns, steps and categories of the real one."""
    rng = np.random.default_rng(0)
    carat = 0.2 + 0.01 * rng.poisson(60, count)
    sides = 6.5 * carat ** (1 / 3) * rng.normal(1, 0.01, [3, count]) * [[1], [1], [0.62]]
    words = {
        "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
        "color": tuple("DEFGHIJ"),
        "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
    }
    columns = {
        "carat": [f"{value:.2f}" for value in carat],
        **{name: rng.choice(values, count) for name, values in words.items()},
        "depth": [f"{value:.1f}" for value in rng.normal(61.7, 1.4, count)],
        "table": [f"{value:.1f}" for value in rng.normal(57.5, 2.2, count)],
        "price": np.rint(4000 * carat**1.7 * rng.lognormal(0, 0.2, count)).astype(int),
        **{
            name: [f"{value:.2f}" for value in side]
            for name, side in zip("xyz", sides, strict=True)
        },
    }
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"


@pytest.fixture(scope="module")
def diamonds(tmp_path_factory):
    """The first rows of the real table, if plotnine is installed; else rows of the same form."""
    package = importlib.util.find_spec("plotnine")
    path = tmp_path_factory.mktemp("data") / "diamonds.csv"
    if package is None:
        path.write_text(_like_diamonds(2000))
        return datasets.load(path, label="cut")
    with (pathlib.Path(package.origin).parent / "data" / "diamonds.csv").open() as file:
        path.write_text("".join(itertools.islice(file, 2001)))
    return datasets.load(path, label="cut")


def test_columns_of_diamonds_have_their_steps(diamonds):
    steps = {c.name: c.step for c in diamonds.columns if c.kind == "integer"}
    assert steps == {
        "carat": 0.01,
        "depth": 0.1,
        "table": 0.1,
        "price": 1,
        "x": 0.01,
        "y": 0.01,
        "z": 0.01,
    }
    assert diamonds.num_classes == 5


@pytest.mark.parametrize(("kind", "flow", "base"), CELLS)
def test_cell(kind, flow, base, request, tmp_path):
    data = request.getfixturevalue("diamonds" if kind == "diamonds" else "data")
    data = data if kind == "diamonds" else data[kind]
    spec = small(DataSpec.of(data, with_labels=base == "labeled_rbm"), flow, base)
    if kind != "images" and flow in OF_IMAGES:
        with pytest.raises(ValueError, match=f"The flow {flow} is for images, but the data are"):
            models.build(spec)
        return
    of_integers = {flow, base} & set(OF_INTEGERS)
    if len(of_integers) == 1 or (of_integers and kind not in ("images", "counts", "diamonds")):
        with pytest.raises(ValueError, match=r"whole numbers.*real ones"):
            models.build(spec)
        return
    if base in OF_SCALES and (flow not in WITH_SCALES or kind != "images"):
        with pytest.raises(ValueError, match=f"The base {base} stands on the parts of a flow"):
            models.build(spec)
        return
    keras.utils.set_random_seed(0)
    model = models.build(spec)
    trainer = training.LikelihoodModel(model, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3), run_eagerly=True)
    events = data.train[:10]
    history = trainer.fit(events, batch_size=5, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    samples = model.sample(3, seed=(0, 2))
    assert samples.shape == (3, *data.event_shape) and np.all(np.isfinite(samples))
    _assert_round_trip(model, events)
    tfp_ebm.save(model, tmp_path / "model")
    again = tfp_ebm.load(tmp_path / "model")
    np.testing.assert_array_equal(_log_prob(again, events), _log_prob(model, events))
    assert models.spec_of(again) == spec


def _log_prob(model, events):
    if isinstance(model, tfp_ebm.distributions.StochasticBound):
        return model.log_prob(events, seed=(0, 3)).numpy()
    return model.log_prob(events).numpy()


def _assert_round_trip(model, events):
    parts, z = models.parts(model), models.latents(model, events, seed=(0, 4))
    assert z.shape == (len(events), *parts.base.event_shape)
    again = parts.flow.inverse(parts.flow.forward(z) + 0.0)
    np.testing.assert_allclose(again, z, atol=2e-3, rtol=2e-3)
