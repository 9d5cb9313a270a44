"""An update by the sum over all states against one by weighted chains, by the size of the layer.

    python benchmarks/exact_limit.py --output benchmarks/results/exact_limit.json

Machines are summed wherever that is not dearer than chains. 784 visible spins, batches of 50, as in
`samplers.py`; chains are the default ones. Times are milliseconds of the processor in one thread,
means over twelve updates, in three of which chains jump; medians of turns that both take in one
process, after 24 updates.
"""

import harness

CASES = [{"num_hidden": count} for count in (8, 10, 11, 12, 13, 14, 16)]
ROUNDS, UPDATES = 5, 12


def _update(num_hidden, **options):
    """Returns a function that makes a few updates."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import distributions, training

    base = distributions.SmoothedRBM.create(784, num_hidden, delta=8.0, seed=(0, 1), **options)
    trainer = training.LikelihoodModel(base, seed=(0, 2))
    trainer.compile(optimizer=tf_keras.optimizers.Adam(2e-3))
    points = np.random.default_rng(0).choice([-1.0, 1.0], size=[50, 784 + num_hidden])
    points = tf.constant(points, tf.float32)
    step = tf.function(trainer.train_step)

    def run():
        for _ in range(UPDATES):
            logs = step((points,))
        return float(next(iter(logs.values())))

    run()
    run()
    return run


def milliseconds(num_hidden):
    """Returns the time of an update by each."""
    import tensorflow as tf

    from tfp_ebm.partition import negative_phase

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    negative_phase.MAX_EXACT_UNITS = 20
    functions = {
        "exact": _update(num_hidden),
        "weighted": _update(num_hidden, sampler="weighted"),
    }
    return harness.median_milliseconds(functions, ROUNDS, UPDATES)


def summarize(rows):
    """Returns how many times as long the sum takes, by the number of hidden units."""
    return {
        str(row["case"]["num_hidden"]): row["milliseconds"]["exact"]
        / row["milliseconds"]["weighted"]
        for row in rows
    }


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"milliseconds": milliseconds}, CASES, summarize)
