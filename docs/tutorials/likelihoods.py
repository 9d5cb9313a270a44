# %% [markdown]
# # Honest likelihoods
#
# A number such as "1.9 bits per dimension" means nothing before it is said of what: of integers or
# of reals, exact or a bound or an estimate, in which unit, with which error. The same model can be
# given figures that differ by more than what papers compete for. This page takes one model through
# all of them.

# %%
import math
import os
import pathlib

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

import tfp_ebm

SMALL = "TFP_EBM_SMALL" in os.environ  # Fewer images, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)

data = tfp_ebm.datasets.load("digits")
images = data.test[: 20 if SMALL else None]
model = tfp_ebm.load("digits-rbm-flow")
base, flow, *_ = tfp_ebm.models.parts(model)


def report(name, nats):
    """Prints a mean over images in both units, with its standard error."""
    nats = np.asarray(nats, float)
    error = nats.std(ddof=1) / len(nats) ** 0.5
    unit = images[0].size * math.log(2)
    print(f"{name}: {nats.mean():.2f} ± {error:.2f} nats, {nats.mean() / unit:.4f} bits/dim")


# %% [markdown]
# ## Nats and bits
#
# Nats count in e, bits in 2, and "per dimension" divides by the number of pixels, here 64. A model
# that knows nothing gives each of 17 levels the same probability:

# %%
report("uniform over the levels", np.full(len(images), images[0].size * math.log(17)))

# %% [markdown]
# ## Integers need a bound
#
# A flow has a density over the reals, and pixels are integers: the density at an integer is not a
# probability, and can be made as large as one likes. The probability of an integer x is the
# integral of the density over its cell [x, x + 1), and by Jensen's inequality
#
#     log P(x) = log E[p(x + u)] >= E[log p(x + u)],    u uniform on the cell,
#
# so that one draw of u gives a lower bound on log P on average: an upper bound on the negative
# log-likelihood. More draws tighten it, and never beyond the truth.

# %%
one_draw = -model.log_prob(images, seed=(0, 1)).numpy()
report("one-draw bound", one_draw)
draws = (1, 4, 16) if SMALL else (1, 4, 16, 64, 256)
bounds = {}
for num in draws:
    bounds[num] = -model.importance_log_prob(images, num_samples=num, seed=(0, 2)).numpy()
    report(f"{num}-draw bound", bounds[num])
figure = Figure(figsize=(5, 3), layout="constrained")
axes = figure.subplots()
axes.plot(draws, [nats.mean() for nats in bounds.values()], marker="o")
axes.set(xscale="log", xlabel="draws of the noise", ylabel="nats an image", xticks=draws)
axes.set_xticklabels(draws)
figure.savefig(IMAGES / "likelihoods_draws.png", dpi=80)

# %% [markdown]
# ![The bound falls as draws are added](images/likelihoods_draws.png)
#
# All of these are right, and they are not the same: compare models by the same number of draws.
#
# ## What is not a likelihood of the images
#
# The density at the left edge of the cell, without noise, is in the same unit and looks alike. It
# bounds nothing. Trained with noise, a model is worse there than in the cell; trained without, it
# would become as good as one likes.

# %%
density = model.distribution
report("density at the raw pixels", -density.log_prob(tf.cast(images, tf.float32)).numpy())

# %% [markdown]
# Noise on half of the cell is the same mistake in small: the figure below is lower than the bound
# for some models, higher for others, and compares with neither.

# %%
half = tf.cast(images, tf.float32) + 0.5 * tf.random.stateless_uniform(images.shape, (0, 3))
report("noise on half of the cell", -density.log_prob(half).numpy())

# %% [markdown]
# ## log Z is an estimate
#
# The base knows its density up to a constant, log Z, a sum over 2^32 states of its smaller layer.
# An error in log Z moves every log-likelihood by the same amount, and in the flattering direction
# if log Z is too low, as plain annealed importance sampling is on average. So estimates come from
# two directions and two paths, with an error, and say whether they agree.

# %%
estimate = base.estimate_log_partition(seed=(0, 4))
low, high = (float(each) for each in estimate.interval)
print(f"log Z {estimate.value:.4f} ± {estimate.standard_error:.4f} nats by {estimate.method}")
print(f"consistent: {bool(estimate.is_consistent)}; between {low:.4f} and {high:.4f}")
print("bits/dim at stake:", f"{(high - low) / images[0].size / math.log(2):.1e}")

# %% [markdown]
# Machines with up to 12 units in a layer are summed in every evaluation; with up to 20, when an
# estimate is asked for. So the annealed figure can be checked on a small machine, where the truth
# is at hand:

# %%
small = tfp_ebm.distributions.SmoothedRBM.create(16, 16, delta=4.0)
small.weights.assign(0.4 * tf.random.stateless_normal([16, 16], (0, 5)))
small.bias.assign(0.3 * tf.random.stateless_normal([32], (0, 6)))
annealed = tfp_ebm.partition.bidirectional_annealing(small, seed=(0, 7))
exact = tfp_ebm.partition.enumerate_log_partition(small)
print(f"annealed {annealed.value:.4f} ± {annealed.standard_error:.4f}, exact {exact.value:.4f}")

# %% [markdown]
# ## It goes stale
#
# The estimate belongs to the parameters of one moment. Whatever moves them makes it stale; the
# machine knows, warns when values rest on a stale one, and only a new estimate helps.

# %%
print("stale:", bool(small.is_log_partition_stale()))
small.estimate_log_partition(seed=(0, 8))
before = small.log_prob(tf.zeros([32]))
print("after an estimate:", bool(small.is_log_partition_stale()))
small.bias.assign_add(tf.ones([32]))
print("after an update:", bool(small.is_log_partition_stale()))
small.estimate_log_partition(seed=(0, 9))
print(f"log p(0) {before:.2f}, then {small.log_prob(tf.zeros([32])):.2f} nats")

# %% [markdown]
# ## The error of a difference
#
# Two models are evaluated on the same images and the same noise, so the error of their difference
# is that of the differences, far smaller than the errors of both suggest. What are the couplings
# of the base worth, say? Here is the model without them:

# %%
other = tfp_ebm.load("digits-rbm-flow")
other_base = tfp_ebm.models.parts(other).base
other_base.weights.assign(tf.zeros_like(other_base.weights))
other_base.estimate_log_partition(seed=(0, 10))
uncoupled = -other.log_prob(images, seed=(0, 1)).numpy()
report("without couplings", uncoupled)
report("with couplings", one_draw)
report("difference", uncoupled - one_draw)

# %% [markdown]
# That is an error over images, of one set of weights. Training again with another seed moves the
# figures too: what is said of models, not of weights, needs several seeds.
#
# ## In short
#
# | figure | what it is | compares with |
# |---|---|---|
# | one-draw bound | at least the negative log-likelihood, on average | one-draw bounds |
# | S-draw bound | the same, tighter | S-draw bounds; likelihoods, as an upper bound |
# | integer flows, vectors | exact, up to log Z | likelihoods |
# | density at raw pixels | none of the integers | nothing |
#
# `tfp-ebm evaluate run --importance-draws 64` writes all of this as JSON, each with its kind.
