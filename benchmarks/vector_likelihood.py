"""Test likelihoods of flows of vectors beside zuko's (PyTorch) at equal size, split and updates.

    pip install zuko torch plotnine scikit-learn
    python benchmarks/vector_likelihood.py --output benchmarks/results/vector_likelihood.json

Two tables: the seven numeric columns of `diamonds` (53,940 rows, from the package plotnine), with
uniform noise as wide as the steps in which they were measured, and the 64 pixels of the digits,
with uniform noise on the whole unit cell; the noise is drawn once and is the same for all. Columns
are standardised by the training part. Every model takes 5 layers of 128 and 128 hidden units, as
many updates of Adam at a cosine schedule with gradients clipped to one norm, batches of one size,
and the weights that were best on the validation part after an epoch. Figures are nats a row of the
test part, in the units of the data; differences are paired, row by row. With a Gaussian-Bernoulli
RBM of 64 hidden units in place of the Gaussian base the same flow stands beside.
"""

import importlib.util
import os
import pathlib
import statistics

import harness

HIDDEN, NUM_LAYERS, RATE, CLIP_NORM = (128, 128), 5, 1e-3, 5.0
_TABLES = {
    "diamonds": {"data": "diamonds", "batch_size": 512, "epochs": 12},
    "digits": {"data": "digits", "batch_size": 64, "epochs": 30},
}
CASES = [
    {"flow": flow, "seed": seed, **table}
    for table in _TABLES.values()
    for flow in ("maf", "splines")
    for seed in (0,)
]
# Steps of the columns, in their units.
_STEPS = {"carat": 0.01, "depth": 0.1, "table": 1.0, "price": 1.0, "x": 0.01, "y": 0.01, "z": 0.01}


def load(data):
    """Returns the three parts, standardised, and the logarithm of the factor of the density."""
    import numpy as np

    rng = np.random.default_rng(0)
    if data == "diamonds":
        folder = pathlib.Path(importlib.util.find_spec("plotnine").origin).parent
        rows = np.genfromtxt(folder / "data/diamonds.csv", delimiter=",", names=True, dtype=None)
        values = np.stack([rows[name].astype(float) for name in _STEPS], axis=-1)
        values += rng.uniform(size=values.shape) * np.array([*_STEPS.values()])
        values = values[rng.permutation(len(values))]
        ends = [8 * len(values) // 10, 9 * len(values) // 10]
    else:
        from sklearn import datasets

        values = datasets.load_digits().data
        values = values + rng.uniform(size=values.shape)
        ends = [1000, 1350]
    mean, deviation = values[: ends[0]].mean(0), values[: ends[0]].std(0)
    parts = np.split(((values - mean) / deviation).astype(np.float32), ends)
    return parts, -float(np.log(deviation).sum())


def ours(flow, seed, data, batch_size, epochs):
    """Log-probabilities of the test rows by this package."""
    return _trained(flow, "normal", seed, data, batch_size, epochs)


def ours_with_rbm(flow, seed, data, batch_size, epochs):
    """The same with a Gaussian-Bernoulli RBM of 64 hidden units as the base."""
    return _trained(flow, ("gaussian_rbm", {"num_hidden": 64}), seed, data, batch_size, epochs)


def _trained(flow, base, seed, data, batch_size, epochs):
    import numpy as np
    import tf_keras

    from tfp_ebm import flows, models, training
    from tfp_ebm.models import DataSpec, ModelSpec

    (train, validation, test), log_factor = load(data)
    tf_keras.utils.set_random_seed(seed)
    options = {"num_steps": NUM_LAYERS, "hidden_units": HIDDEN}
    options["transform"] = "affine" if flow == "maf" else "spline"
    model = models.build(ModelSpec(DataSpec((train.shape[1],)), ("maf", options), base))
    flows.initialize_from_data(models.parts(model).flow, train)
    trainer = training.LikelihoodModel(model, seed=(seed, 1))
    num_steps = epochs * -(-len(train) // batch_size)
    schedule = tf_keras.optimizers.schedules.CosineDecay(RATE, num_steps)
    optimizer = tf_keras.optimizers.Adam(schedule, global_clipnorm=CLIP_NORM)
    trainer.compile(optimizer=optimizer, jit_compile=base == "normal")
    trainer.fit(
        train,
        validation_data=validation,
        batch_size=batch_size,
        epochs=epochs,
        callbacks=[training.BestWeights()],
        verbose=0,
    )
    for part in model.submodules:
        if hasattr(part, "estimate_log_partition"):
            part.estimate_log_partition(seed=(seed, 2))
    log_prob = np.concatenate([model.log_prob(rows) for rows in np.array_split(test, 8)])
    return {
        "log_prob": [float(value) + log_factor for value in log_prob],
        "num_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }


def zuko(flow, seed, data, batch_size, epochs):
    """Log-probabilities of the test rows by the peer."""
    import copy

    import torch
    import zuko

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    (train, validation, test), log_factor = load(data)
    torch.manual_seed(seed)
    kind = {"maf": zuko.flows.MAF, "splines": zuko.flows.NSF}[flow]
    model = kind(train.shape[1], 0, transforms=NUM_LAYERS, hidden_features=HIDDEN)
    train, validation, test = map(torch.from_numpy, (train, validation, test))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    num_steps = epochs * -(-len(train) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    best, weights = float("inf"), None
    for _ in range(epochs):
        for rows in torch.randperm(len(train)).split(batch_size):
            loss = -model().log_prob(train[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            loss = -model().log_prob(validation).mean().item()
        if loss < best:
            best, weights = loss, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    with torch.no_grad():
        log_prob = model().log_prob(test)
    return {
        "log_prob": [float(value) + log_factor for value in log_prob],
        "num_parameters": sum(p.numel() for p in model.parameters()),
    }


def summarize(rows):
    """Returns mean test nats and paired differences, and takes the rows' own figures away."""
    results = []
    for row in rows:
        own = {name: part.pop("log_prob") for name, part in row.items() if name != "case"}
        result = {**row["case"]}
        for name, values in own.items():
            result[f"{name}_nats"] = -statistics.fmean(values)
        for name in ("ours", "ours_with_rbm"):
            gap = [a - b for a, b in zip(own["zuko"], own[name], strict=True)]
            result[f"{name}_minus_zuko_nats"] = statistics.fmean(gap)
            result[f"{name}_minus_zuko_error"] = statistics.stdev(gap) / len(gap) ** 0.5
        results.append(result)
    return {"test": results}


if __name__ == "__main__":
    parts = {"ours": ours, "ours_with_rbm": ours_with_rbm, "zuko": zuko}
    harness.main(__doc__.splitlines()[0], parts, CASES, summarize)
