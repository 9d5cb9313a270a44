# %% [markdown]
# # Your own flow on a Boltzmann base
#
# You have a normalizing flow written with TensorFlow Probability, and your data come in clusters.
# A flow is a continuous map and its Gaussian base is one lump, so wherever the data have a gap, the
# flow can only stretch the lump thin. A base with clusters of its own leaves less to stretch.
#
# Here a stock TFP flow gets such a base, a smoothed restricted Boltzmann machine (RBM). Nothing
# else changes: a base is a `tfd.Distribution`, and a model is a `tfd.TransformedDistribution`.

# %%
import os
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from matplotlib.figure import Figure

import tfp_ebm

tfb, tfd = tfp.bijectors, tfp.distributions
SMALL = "TFP_EBM_SMALL" in os.environ  # A few updates, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)

# %% [markdown]
# ## The data
#
# Sixteen sensors watch switches that are on or off. The switches work in six patterns, and each
# of them is out of its pattern one time in ten; a reading has noise, leaks into the next sensor
# and is bent by it. The density of such readings is known, so the figures below have something to
# be held against: their entropy is the cross-entropy of the best model there can be.

# %%
NUM_SENSORS, NUM_PATTERNS, FLIP, NOISE = 16, 6, 0.1, 0.3
patterns = np.random.default_rng(0).choice([-1.0, 1.0], [NUM_PATTERNS, NUM_SENSORS])


def normal_log_prob(x, mean):
    return -0.5 * ((x - mean) / NOISE) ** 2 - np.log(NOISE * np.sqrt(2 * np.pi))


def draw(num, seed):
    """Returns readings `[num, 16]` and their log-density."""
    rng = np.random.default_rng(seed)
    switches = patterns[rng.integers(NUM_PATTERNS, size=num)]
    switches = switches * rng.choice([-1, 1], switches.shape, p=[FLIP, 1 - FLIP])
    x = switches + NOISE * rng.normal(size=switches.shape)
    as_pattern, against = (normal_log_prob(x[:, None], s * patterns) for s in (1, -1))
    each = np.logaddexp(np.log(1 - FLIP) + as_pattern, np.log(FLIP) + against).sum(-1)
    log_prob = np.logaddexp.reduce(each, axis=1) - np.log(NUM_PATTERNS)
    leaked = x + 0.5 * np.roll(x, 1, axis=1) * (np.arange(NUM_SENSORS) > 0)
    log_det = np.log(np.cosh(leaked)).sum(1)  # The leak is triangular, with 1 on the diagonal.
    return np.sinh(leaked).astype(np.float32), log_prob - log_det


train, _ = draw(500 if SMALL else 20_000, seed=1)
test, truth = draw(500 if SMALL else 10_000, seed=2)
print(f"entropy {-truth.mean():.2f} ± {truth.std() / len(truth) ** 0.5:.2f} nats a reading")

# %% [markdown]
# ## The flow
#
# Four layers of TFP's RealNVP, after a bend and a scale for each sensor. Nothing in it is from
# `tfp_ebm`.


# %%
class ShiftAndLogScale(tf.Module):
    """A network in the form that `tfb.RealNVP` wants, as an object: a lambda hides its weights."""

    def __init__(self):
        super().__init__()
        last = tf_keras.layers.Dense(NUM_SENSORS, kernel_initializer="zeros")
        hidden = [tf_keras.layers.Dense(64, "relu") for _ in range(2)]
        self.network = tf_keras.Sequential([*hidden, last])

    def __call__(self, x, output_units, **kwargs):
        shift, log_scale = tf.split(self.network(x), 2, axis=-1)
        return shift, tf.tanh(log_scale)


def make_flow():
    layers = []
    for layer in range(2 if SMALL else 4):
        order = np.random.default_rng(layer).permutation(NUM_SENSORS)
        coupling = tfb.RealNVP(
            num_masked=NUM_SENSORS // 2, shift_and_log_scale_fn=ShiftAndLogScale()
        )
        layers += [tfb.Permute(order), coupling]
    scale = tfp.util.TransformedVariable(tf.ones([NUM_SENSORS]), tfb.Softplus())
    return tfb.Chain([tfb.Sinh(), tfb.Scale(scale), *layers])


# %% [markdown]
# ## Two bases
#
# Sixteen dimensions make eight visible and eight hidden spins. `delta` is the precision of the
# Gaussian around each state of the machine: the larger it is, the farther apart are the clusters.
# With up to 12 hidden units log Z is an exact sum; above, chains estimate its gradient, and
# `LikelihoodModel` moves them after every update.

# %%
bases = {
    "Gaussian": tfd.MultivariateNormalDiag(tf.zeros([NUM_SENSORS])),
    "RBM": tfp_ebm.distributions.SmoothedRBM.create(num_visible=8, num_hidden=8, delta=6.0),
}

# %% [markdown]
# ## Training

# %%
models, histories = {}, {}
for name, base in bases.items():
    tf_keras.utils.set_random_seed(0)
    model = models[name] = tfd.TransformedDistribution(base, make_flow())
    trainer = tfp_ebm.training.LikelihoodModel(model)
    schedule = tf_keras.optimizers.schedules.CosineDecay(3e-3, 10 if SMALL else 3_000)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=10.0))
    history = trainer.fit(train, epochs=1 if SMALL else 30, batch_size=200, verbose=0)
    histories[name] = history.history["loss"]
    nats = -model.log_prob(test).numpy()
    print(f"{name}: {nats.mean():.2f} ± {nats.std() / len(nats) ** 0.5:.2f} nats a reading, exact")

# %% [markdown]
# Same flow, same data, same updates: the base is worth more than a nat a reading, of the three to
# four that were missing to the best possible. The loss of every epoch, in nats:

# %%
epochs = range(1, len(histories["RBM"]) + 1)
series = {**histories, "entropy": [-truth.mean()] * len(epochs)}
tfp_ebm.plots.curves(epochs, series, IMAGES / "own_flow_curves.png", ylabel="nats a reading")

# %% [markdown]
# ![Loss over epochs for both bases, above the entropy](images/own_flow_curves.png)
#
# ## What the samples are like
#
# Undoing bend and leak gives back what a switch did. Between its two states there should be next
# to nothing.


# %%
def switches_of(readings):
    leaked, x = np.arcsinh(readings), np.zeros_like(readings)
    x[:, 0] = leaked[:, 0]
    for sensor in range(1, NUM_SENSORS):
        x[:, sensor] = leaked[:, sensor] - 0.5 * x[:, sensor - 1]
    return x


clouds = {"data": switches_of(test)}
for name, model in models.items():
    clouds[name] = switches_of(model.sample(len(test), seed=(0, 1)).numpy())
figure = Figure(figsize=(9, 3.2), layout="constrained")
for axes, (name, x) in zip(figure.subplots(1, 3), clouds.items(), strict=True):
    between = np.abs(x) < 0.3
    error = between.mean(1).std() / len(x) ** 0.5
    print(f"{name}: {100 * between.mean():.2f} ± {100 * error:.2f} % between on and off")
    axes.scatter(*x[:2_000, :2].T, s=2)
    axes.set(title=name, xlabel="switch 1", ylabel="switch 2", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
figure.savefig(IMAGES / "own_flow_switches.png", dpi=80)

# %% [markdown]
# ![Two switches in data and in samples of both models](images/own_flow_switches.png)
#
# ## The code comes along
#
# Each reading now has a discrete code, the most probable state of the machine given its latent
# vector: exact, and without further training. Nothing told the flow that one bit should be one
# switch, and it is not. What the codes hold of the pattern is seen by comparing each with the mean
# code of every pattern; beside them, the signs of the Gaussian model's latent vector.

# %%
latents = {name: model.bijector.inverse(test) for name, model in models.items()}
codes = {
    "signs of the Gaussian latent": np.sign(latents["Gaussian"].numpy()),
    "codes of the RBM": bases["RBM"].posterior(latents["RBM"]).mode().numpy(),
}
pattern = np.argmax(np.sign(switches_of(test)) @ patterns.T, axis=1)
half = len(test) // 2
for name, code in codes.items():
    means = np.stack([code[:half][pattern[:half] == k].mean(0) for k in range(NUM_PATTERNS)])
    nearest = np.argmin(((code[half:, None] - means) ** 2).sum(-1), axis=1)
    found = (nearest == pattern[half:]).mean()
    error = (found * (1 - found) / half) ** 0.5
    print(f"{name}: {100 * found:.1f} ± {100 * error:.1f} % of the patterns")

# %% [markdown]
# ## Where to go from here
#
# - More than 12 hidden units: the same code; chains estimate the gradient, and
#   `base.estimate_log_partition()` gives log Z with its error.
# - Other bases with the same two lines: `DiscreteMixture` (independent spins),
#   `SmoothedBoltzmannMachine` (connected layers), `GaussianBernoulliRBM`.
# - Your flow on the command line: `examples/user_flow.py` registers one in one line.
