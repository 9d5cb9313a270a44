"""Block Gibbs sweeps against the package rbms (PyTorch) and against a plain matrix product.

pip install rbms==0.5.0 torch
python benchmarks/block_gibbs.py --output benchmarks/results/block_gibbs.json
"""

import harness

CASES = [
    {"num_visible": 784, "num_hidden": 512, "num_chains": 128},
    {"num_visible": 1536, "num_hidden": 1536, "num_chains": 64},
    {"num_visible": 1536, "num_hidden": 1536, "num_chains": 512},
]
NUM_SWEEPS = 40


def ours(num_visible, num_hidden, num_chains):
    """Sweeps a second of this package."""
    import numpy as np
    import tensorflow as tf

    from tfp_ebm.distributions import RestrictedBoltzmannMachine
    from tfp_ebm.mcmc import block_gibbs

    rng = np.random.default_rng(0)
    weights = (0.01 * rng.normal(size=[num_visible, num_hidden])).astype(np.float32)
    base = RestrictedBoltzmannMachine(
        weights, np.zeros(num_visible + num_hidden, np.float32), binary=True
    )
    machine = base.machine()
    units = machine.sample_reference(num_chains, (0, 1))
    steps = tf.constant(NUM_SWEEPS)
    elapsed = harness.seconds(
        lambda: block_gibbs.run(machine, units, steps, tf.constant([0, 2])).numpy(), repeats=7
    )
    return {"sweeps_per_second": NUM_SWEEPS / elapsed}


def rbms(num_visible, num_hidden, num_chains):
    """Sweeps a second of the peer."""
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM

    torch.manual_seed(0)
    model = BBRBM(
        weight_matrix=0.01 * torch.randn(num_visible, num_hidden),
        vbias=torch.zeros(num_visible),
        hbias=torch.zeros(num_hidden),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    chains = model.init_chains(num_chains)
    with torch.no_grad():
        elapsed = harness.seconds(
            lambda: model.sample_state(chains=chains, n_steps=NUM_SWEEPS), repeats=7
        )
    return {"sweeps_per_second": NUM_SWEEPS / elapsed}


def matmul(num_visible, num_hidden, num_chains):
    """Floating-point operations a second of a 2048^3 product in float32."""
    import tensorflow as tf

    size = 2048
    a = tf.random.stateless_normal([size, size], (0, 1))
    product = tf.function(lambda x: tf.matmul(x, x))
    elapsed = harness.seconds(lambda: product(a).numpy(), repeats=9)
    sweep = 2 * 2 * num_visible * num_hidden * num_chains
    rate = 2 * size**3 / elapsed
    return {"gigaflops": rate / 1e9, "sweeps_per_second_at_this_rate": rate / sweep}


def summarize(rows):
    """Returns ratios by case."""
    ratios = {}
    for row in rows:
        name = "x".join(str(value) for value in row["case"].values())
        rate = row["ours"]["sweeps_per_second"]
        ratios[name] = {
            "over_rbms": rate / row["rbms"]["sweeps_per_second"],
            "share_of_matmul": rate / row["matmul"]["sweeps_per_second_at_this_rate"],
        }
    return ratios


if __name__ == "__main__":
    harness.main(
        __doc__.splitlines()[0],
        {"ours": ours, "rbms": rbms, "matmul": matmul},
        CASES,
        summarize,
    )
