"""Data of several kinds, on which `boltzmann_base.py` compares bases."""

import numpy as np

from tfp_ebm import datasets
from tfp_ebm.datasets import Column, Dataset


def clustered_table(num_rows: int = 14_000) -> Dataset:
    """Returns rows of four numbers and four categories, which depend on their label, of 12."""
    rng, num_clusters, num_values = np.random.default_rng(0), 12, 5
    centers = 2 * rng.normal(size=[num_clusters, 4])
    usual = rng.integers(0, num_values, size=[num_clusters, 4])
    cluster = rng.choice(num_clusters, num_rows, p=rng.dirichlet(np.full(num_clusters, 3.0)))
    numbers = centers[cluster] + 0.3 * rng.normal(size=[num_rows, 4])
    other = rng.integers(0, num_values, size=[num_rows, 4])
    categories = np.where(rng.random([num_rows, 4]) < 0.9, usual[cluster], other)
    rows = np.concatenate([numbers, categories], axis=1).astype(np.float32)
    values = tuple(map(str, range(num_values)))
    columns = [Column(f"number {i}", "continuous") for i in range(4)]
    columns += [Column(f"category {i}", "category", categories=values) for i in range(4)]
    ends = [num_rows - 4_000, num_rows - 2_000]
    train, validation, test = np.split(rows, ends)
    labels = np.split(cluster, ends)
    return Dataset(
        "clustered_table", train, validation, test, labels[0], labels[1], labels[2],
        columns=tuple(columns),
    )  # fmt: skip


def two_kinds_of_digits() -> Dataset:
    """Returns the digits, every other one of them white on black instead of black on white."""
    data = datasets.load("digits")
    train, validation, test = (part.copy() for part in (data.train, data.validation, data.test))
    for part in (train, validation, test):
        part[1::2] = data.num_levels - 1 - part[1::2]
    name = "two_kinds_of_digits"
    return Dataset(name, train, validation, test, num_levels=data.num_levels)


def garments(data_dir: str | None = None) -> Dataset:
    """Returns some images of Fashion-MNIST, each pixel the mean of a square of four."""
    data = datasets.load("fashion_mnist", data_dir)

    def smaller(images: np.ndarray) -> np.ndarray:
        squares = images.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))
        return np.rint(squares).astype(np.uint8)

    parts = smaller(data.train[:10_000]), smaller(data.validation[:2_000]), smaller(data.test)
    labels = data.train_labels[:10_000], data.validation_labels[:2_000], data.test_labels
    return Dataset("garments", *parts, *labels, num_levels=256)
