import numpy as np
import pytest

from tfp_ebm.datasets.splits import PARTS, Division, check_classes, divide, take


def everything(places, size):
    parts = take({"train": np.arange(size)}, places)
    return [parts[part].tolist() for part in PARTS]


def test_every_event_is_dealt_once_and_the_seed_repeats():
    first = everything(divide({"train": 103}, Division(seed=3)), 103)
    assert [len(part) for part in first] == [83, 10, 10]
    dealt = [event for part in first for event in part]
    assert sorted(dealt) == list(range(103)) and dealt != list(range(103))
    assert first == everything(divide({"train": 103}, Division(seed=3)), 103)
    assert first != everything(divide({"train": 103}, Division(seed=4)), 103)
    assert everything(divide({"train": 9}, Division()), 9) == everything(
        divide({"train": 9}, Division(seed=0)), 9
    )


def test_in_order_parts_are_views_of_the_ends():
    array = np.arange(20)
    places = divide({"train": 20}, Division(validation=3, test=0.25, shuffle=False))
    parts = take({"train": array}, places)
    assert [len(parts[part]) for part in PARTS] == [12, 3, 5]
    np.testing.assert_array_equal(np.concatenate([parts[part] for part in PARTS]), array)
    assert all(np.shares_memory(part, array) for part in parts.values())


def test_parts_that_are_there_stay_and_others_come_from_training():
    arrays = {"train": np.arange(30), "test": np.arange(100, 104)}
    parts = take(arrays, divide({"train": 30, "test": 4}, Division()))
    assert parts["test"].tolist() == [100, 101, 102, 103]
    assert len(parts["train"]) == 27
    assert sorted([*parts["train"], *parts["validation"]]) == list(range(30))


def test_small_data_keep_an_event_for_each_part():
    assert [len(part) for part in everything(divide({"train": 3}, Division()), 3)] == [1, 1, 1]
    with pytest.raises(ValueError, match=r"at least 3 events, .* got 2 of which 1 for validation"):
        divide({"train": 2}, Division())


@pytest.mark.parametrize(
    ("division", "message"),
    [
        (Division(validation=0.0), "`validation` must be a fraction .* got 0.0"),
        (Division(test=-1), "`test` must be a fraction .* got -1"),
        (Division(test=True), "`test` must be a fraction .* got True"),
        (Division(test=2.5), "`test` must be a fraction .* got 2.5"),
        (Division(validation=0.5, test=0.5), "some left to train on, got 10 of which 5"),
        (Division(seed="a"), "`split_seed` must be an integer"),
        (Division(seed=-1), "`split_seed` must be an integer of at least 0, got -1"),
    ],
)
def test_divisions_that_do_not_fit(division, message):
    with pytest.raises(ValueError, match=message):
        divide({"train": 10}, division)


def test_parts_that_are_there_are_not_asked_for():
    with pytest.raises(ValueError, match=r"`test` must be left out, .* got 0.2"):
        divide({"train": 10, "test": 4}, Division(test=0.2))
    with pytest.raises(ValueError, match="a part to train on, got test"):
        divide({"test": 4}, Division())
    with pytest.raises(ValueError, match="The test part must hold at least one"):
        divide({"train": 4, "test": 0}, Division())


def test_classes_that_are_sorted_are_not_cut_off_in_order():
    labels = {"train": np.array([0, 1]), "validation": np.array([1]), "test": np.array([1, 3])}
    with pytest.raises(ValueError, match="only test has 3: the data are sorted by class"):
        check_classes(labels, Division(shuffle=False))
    check_classes(labels, Division())
    check_classes({}, Division(shuffle=False))
