import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfp_ebm import datasets


def test_digits_in_file_order():
    data = datasets.load("digits")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [1000, 350, 447]
    assert data.image_shape == (8, 8, 1) and data.num_levels == 17 and data.num_classes == 10
    assert data.train.dtype == np.uint8 and data.train.max() == 16
    everything = np.concatenate([data.train, data.validation, data.test])[..., 0]
    np.testing.assert_array_equal(everything, load_digits().images)
    labels = [data.train_labels, data.validation_labels, data.test_labels]
    np.testing.assert_array_equal(np.concatenate(labels), load_digits().target)


def test_densities_are_fixed_points():
    data = datasets.load("two_moons")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [
        10_000,
        2_000,
        2_000,
    ]
    assert data.num_levels is None and data.event_shape == (2,) and data.train.dtype == np.float32
    np.testing.assert_array_equal(data.test, datasets.load("two_moons").test)
    other = datasets.load("two_moons", split_seed=1)
    points = [data.train[:2_000], data.validation, data.test, other.test]
    assert len(np.unique(np.concatenate(points), axis=0)) == 8_000
    log_prob = datasets.density_2d("two_moons").log_prob
    assert log_prob(data.test).mean() == pytest.approx(log_prob(other.test).mean(), abs=0.1)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"'digit'.*Did you mean 'digits'.*a folder of images"):
        datasets.load("digit")
    with pytest.raises(ValueError, match="Did you mean 'checkerboard'"):
        datasets.load("checkerbord")


def test_options_of_other_sources_are_refused():
    with pytest.raises(
        ValueError, match="digits has fixed parts and levels, and does not take `test`"
    ):
        datasets.load("digits", test=0.2)
    with pytest.raises(ValueError, match=r"rings does not take `num_levels`; .* use `split_seed`"):
        datasets.load("rings", num_levels=4)
    with pytest.raises(ValueError, match="`split_seed` must be left out with `shuffle=False`"):
        datasets.load("rings", split_seed=4, shuffle=False)


@pytest.mark.parametrize("source", [None, 5, np.zeros([9, 2])])
def test_what_is_no_path_is_sent_to_the_constructor(source):
    with pytest.raises(TypeError, match=r"`source` must be a name or a path, got .* `Dataset\("):
        datasets.load(source)
    with pytest.raises(ValueError, match="`source` must be a name or a path, got ''"):
        datasets.load("")


def test_paths_that_lead_nowhere_or_to_something_else(tmp_path):
    path = tmp_path / "table.xlsx"
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*table\.xlsx"):
        datasets.load(path)
    path.touch()
    with pytest.raises(
        ValueError, match=r"a folder of images, or a file \.npy, .*got .*table\.xlsx"
    ):
        datasets.load(path)


def test_a_path_wins_where_it_is_written_as_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("digits.npy", np.zeros([9, 2, 2], np.uint8))
    (tmp_path / "digits").mkdir()
    assert datasets.load("digits.npy").image_shape == (2, 2, 1)
    assert datasets.load("digits").image_shape == (8, 8, 1)
    with pytest.raises(ValueError, match="digits is empty"):
        datasets.load("./digits")
