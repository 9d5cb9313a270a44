import numpy as np
import pytest

from tfp_ebm import metrics

RNG = np.random.default_rng(0)


def brute_force_kernel_distance(first, second):
    def mean_of_kernel(one, other, kept):
        products = np.einsum("if,jf->ij", one, other)[kept]
        return np.mean((products / one.shape[1] + 1) ** 3)

    def mean_of_others(part):
        return mean_of_kernel(part, part, ~np.eye(len(part), dtype=bool))

    return mean_of_others(first) + mean_of_others(second) - 2 * mean_of_kernel(first, second, ...)


def test_kernel_distance_against_brute_force():
    first, second = RNG.normal(size=[15, 3]), RNG.normal(size=[20, 3]) + 0.5
    expected = brute_force_kernel_distance(first, second)
    result = metrics.kernel_distance(first, second)
    assert result.value == pytest.approx(expected, rel=1e-10)
    assert result.num_samples == (15, 20)
    leave_one_out = [
        [brute_force_kernel_distance(np.delete(first, i, 0), second) for i in range(15)],
        [brute_force_kernel_distance(first, np.delete(second, i, 0)) for i in range(20)],
    ]
    variance = sum((len(values) - 1) * np.var(values) for values in leave_one_out)
    assert result.standard_error == pytest.approx(np.sqrt(variance), rel=1e-8)


def test_kernel_distance_of_many_rows_is_that_of_all_at_once():
    first, second = RNG.normal(size=[1100, 2]), RNG.normal(size=[30, 2]) + 0.5
    for one, other in ((first, second), (second, first)):
        result = metrics.kernel_distance(one, other)
        assert result.value == pytest.approx(brute_force_kernel_distance(one, other), rel=1e-9)
        assert result.num_features == 2


def test_kernel_distance_of_parts_agrees_with_that_of_all():
    first, second = RNG.normal(size=[1200, 4]), RNG.normal(size=[1300, 4]) + 0.1
    whole = metrics.kernel_distance(first, second)
    part = metrics.kernel_distance(first[:60], second[:60])
    expected = brute_force_kernel_distance(first[:60], second[:60])
    assert abs(part.value - whole.value) < 3 * part.standard_error
    assert abs(expected - whole.value) < 3 * part.standard_error
    assert whole.standard_error < part.standard_error


def test_kernel_distance_is_unbiased_and_its_error_safe_where_the_sets_are_alike():
    results = [metrics.kernel_distance(*RNG.normal(size=[2, 100, 5])) for _ in range(100)]
    values = np.array([result.value for result in results])
    assert abs(values.mean()) < 3 * values.std() / 10
    errors = np.mean([result.standard_error for result in results])
    assert values.std() < 1.15 * errors and errors < 1.6 * values.std()


GOOD = RNG.normal(size=[5, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.kernel_distance(GOOD[:2], GOOD), "`first` must hold at least 3 samples"),
        (lambda: metrics.kernel_distance(GOOD, GOOD[:2]), "`second` must hold at least 3 samples"),
        (lambda: metrics.kernel_distance(GOOD, GOOD[:, :2]), "the same network"),
        (lambda: metrics.kernel_distance(GOOD, GOOD + np.inf), "`second` must be finite"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
