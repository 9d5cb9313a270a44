"""Flows of vectors against zuko (PyTorch): training steps, densities and samples.

    pip install zuko torch
    python benchmarks/vector_flows.py --output benchmarks/results/vector_flows.json

21 dimensions, 5 layers, hidden layers of 128 and 128, batches of 512, Adam: masked autoregressive
flows, and spline couplings of 8 bins, beside which stand zuko's own spline flow, which is
autoregressive, and the same by couplings. Times are milliseconds of the processor in one thread,
the shortest of several: other programs on the machine disturb them least. Samples by
"sample_flow_xla" have the base drawn outside XLA, whose normal numbers are slow on a CPU. The
inverse autoregressive flow is timed for densities and samples beside the masked one.
"""

import time

import harness

SIZES = {"num_dims": 21, "num_layers": 5, "batch_size": 512}
CASES = [
    {"flow": "maf", **SIZES},
    {"flow": "splines", **SIZES},
    {"flow": "iaf", **SIZES},
]
HIDDEN = (128, 128)
REPEATS, SECONDS = 30, 4.0


def _our_flow(flow, num_dims, num_layers):
    from tfp_ebm import flows

    options = {"num_steps": num_layers, "hidden_units": HIDDEN}
    if flow == "splines":
        return flows.spline_flow(num_dims, num_bins=8, **options)
    options["transform"] = "affine"
    return (flows.iaf if flow == "iaf" else flows.maf)(num_dims, **options)


def ours(flow, num_dims, num_layers, batch_size):
    """Times of this package, of a step with and without XLA."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_probability as tfp
    import tf_keras

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tfd = tfp.distributions
    tf_keras.utils.set_random_seed(0)
    base = tfd.MultivariateNormalDiag(tf.zeros([num_dims]))
    model = tfd.TransformedDistribution(base, _our_flow(flow, num_dims, num_layers))
    variables = model.trainable_variables
    optimizer = tf_keras.optimizers.Adam(1e-3)
    optimizer.build(variables)
    x = tf.constant(np.random.default_rng(0).normal(size=[batch_size, num_dims]), tf.float32)

    def update(x):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(x))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    forward = tf.function(model.bijector.forward, jit_compile=True)
    functions = {
        "density": tf.function(model.log_prob),
        "density_xla": tf.function(model.log_prob, jit_compile=True),
        "sample": tf.function(lambda x: model.sample(batch_size, seed=(0, 1))),
        "sample_xla": tf.function(
            lambda x: model.sample(batch_size, seed=(0, 1)), jit_compile=True
        ),
        "sample_flow_xla": tf.function(lambda x: forward(base.sample(batch_size, seed=(0, 1)))),
    }
    if flow != "iaf":  # Which is not trained by likelihood.
        functions["step"] = tf.function(update)
        functions["step_xla"] = tf.function(update, jit_compile=True)
    figures = _milliseconds({n: lambda f=f: f(x).numpy() for n, f in functions.items()})
    figures["num_parameters"] = sum(int(np.prod(v.shape)) for v in variables)
    return figures


def zuko(flow, num_dims, num_layers, batch_size):
    """Times of the peer."""
    if flow == "iaf":
        return {}
    import torch
    import zuko

    torch.set_num_threads(1)
    kinds = {"maf": {"zuko": zuko.flows.MAF}, "splines": {"zuko": zuko.flows.NSF}}[flow]
    figures = {}
    for name, kind, options in [
        *((name, kind, {}) for name, kind in kinds.items()),
        *([("zuko_couplings", zuko.flows.NSF, {"passes": 2})] if flow == "splines" else []),
    ]:
        torch.manual_seed(0)
        model = kind(num_dims, 0, transforms=num_layers, hidden_features=HIDDEN, **options)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        x = torch.randn(batch_size, num_dims)

        def update(model=model, optimizer=optimizer, x=x):
            loss = -model().log_prob(x).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        def density(model=model, x=x):
            with torch.no_grad():
                return model().log_prob(x)

        def sample(model=model):
            with torch.no_grad():
                return model().sample((batch_size,))

        own = _milliseconds({"step": update, "density": density, "sample": sample})
        own["num_parameters"] = sum(p.numel() for p in model.parameters())
        figures |= {f"{name}_{key}": value for key, value in own.items()}
    return figures


def _milliseconds(functions):
    """Returns the shortest time of each; they take turns, so that all see the same disturbances."""
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(REPEATS):
        for name, function in functions.items():
            if sum(times[name]) > 1e3 * SECONDS:
                continue
            times[name].append(1e3 * harness.seconds(function, 1, 0, time.process_time))
    return {name: min(own) for name, own in times.items()}


def summarize(rows):
    """Returns the ratios of the peer's times to ours, and of the two autoregressive flows."""
    by_flow = {row["case"]["flow"]: row for row in rows}
    ratios = {}
    for flow in ("maf", "splines"):
        row = by_flow[flow]
        for what in ("step", "sample", "density"):
            ways = (what, f"{what}_xla", f"{what}_flow_xla")
            best = min(row["ours"][way] for way in ways if way in row["ours"])
            for peer in ("zuko", "zuko_couplings"):
                if f"{peer}_{what}" in row["zuko"]:
                    ratios[f"{flow}_{what}_{peer}_over_ours"] = row["zuko"][f"{peer}_{what}"] / best
    for what in ("sample", "density"):
        maf, iaf = by_flow["maf"]["ours"], by_flow["iaf"]["ours"]
        ratios[f"iaf_over_maf_{what}"] = iaf[what] / maf[what]
    return ratios


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"ours": ours, "zuko": zuko}, CASES, summarize)
