# %% [markdown]
# # A VAE with a Boltzmann prior
#
# A variational autoencoder needs a prior over its latent vectors, and a standard normal is what
# one takes when nothing is known. Images of digits come in kinds, so a prior with modes should
# suit them. A smoothed Boltzmann machine is such a prior *and* has a density over real vectors:
# the usual reparametrised gradient passes it, as it would not pass discrete latents.
#
# Encoder and decoder are plain tf_keras. From `tfp_ebm` comes the prior, one line in the loop, and
# an estimate at the end.

# %%
import os
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

import tfp_ebm

tfd = tfp.distributions
SMALL = "TFP_EBM_SMALL" in os.environ  # A few updates, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)
NUM_VISIBLE = NUM_HIDDEN = 16
SIZE = NUM_VISIBLE + NUM_HIDDEN

# %% [markdown]
# ## Data
#
# Digits in black and white: pixels above half of the range are 1. So a Bernoulli decoder gives
# probabilities of the very data, in nats an image.

# %%
data = tfp_ebm.datasets.load("digits")
train, test = (
    (part > 8).reshape(len(part), -1).astype(np.float32)
    for part in (np.concatenate([data.train, data.validation]), data.test)
)
print(f"{len(train)} images to train, {len(test)} to test, {train.shape[1]} pixels")

# %% [markdown]
# ## Encoder and decoder
#
# The bound on the log-likelihood of an image x is
#
#     log P(x) >= E[log P(x | z) + log p(z) - log q(z | x)],   z ~ q(z | x).
#
# With S draws, and the logarithm outside the mean, it is tighter: that is what is reported.


# %%
def dense(units, num_inputs, num_outputs):
    layers = [tf_keras.layers.Dense(units, "relu"), tf_keras.layers.Dropout(0.2)]
    network = tf_keras.Sequential([*layers, tf_keras.layers.Dense(num_outputs)])
    network.build([None, num_inputs])
    return network


class VAE(tf.Module):
    def __init__(self, prior):
        super().__init__()
        self.prior = prior
        self.encoder = dense(200, train.shape[1], 2 * SIZE)
        self.decoder = dense(200, SIZE, train.shape[1])

    def log_weights(self, x, num_draws, training=False):
        """Returns log P(x, z) - log q(z | x) of draws z, `[num_draws, N]`, and the draws."""
        loc, scale = tf.split(self.encoder(x, training=training), 2, axis=-1)
        posterior = tfd.MultivariateNormalDiag(loc, 1e-3 + tf.nn.softplus(scale))
        z = posterior.sample(num_draws)
        pixels = tfd.Bernoulli(self.decoder(z, training=training))
        log_joint = tf.reduce_sum(pixels.log_prob(x), -1) + self.prior.log_prob(z)
        return log_joint - posterior.log_prob(z), z


# %% [markdown]
# ## Training
#
# With 16 hidden units log Z is not summed in every evaluation: its value is a stored estimate, its
# gradient comes from Markov chains, and `update_chains` moves them after the parameters have moved.
# Given the latent vectors of the batch, the chains also learn where to jump. That is the one line.


# %%
def fit(prior, num_epochs):
    vae = VAE(prior)
    variables = vae.trainable_variables
    optimizer = tf_keras.optimizers.Adam(2e-3)
    optimizer.build(variables)

    @tf.function
    def update(x):
        with tf.GradientTape() as tape:
            log_weights, z = vae.log_weights(x, 1, training=True)
            loss = -tf.reduce_mean(log_weights)
        tfp_ebm.training.require_all_trained(variables, tape)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if hasattr(prior, "update_chains"):
            prior.update_chains(value=z[0])
        return loss

    batches = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train), seed=0).batch(64)
    for _ in range(num_epochs):
        for x in batches:
            update(x)
    if hasattr(prior, "estimate_log_partition"):
        estimate = prior.estimate_log_partition(seed=(0, 1))
        print(f"log Z {estimate.value:.3f} ± {estimate.standard_error:.3f} nats")
    return vae


priors = {
    "normal": tfd.MultivariateNormalDiag(tf.zeros([SIZE])),
    "RBM": tfp_ebm.distributions.SmoothedRBM.create(
        NUM_VISIBLE, NUM_HIDDEN, delta=2.5, seed=(0, 2)
    ),
}
vaes, bounds = {}, {}
for name, prior in priors.items():
    tf_keras.utils.set_random_seed(0)
    vae = vaes[name] = fit(prior, num_epochs=1 if SMALL else 100)
    draws = 10 if SMALL else 500
    log_weights, _ = vae.log_weights(test, draws)
    nats = bounds[name] = np.log(draws) - tf.reduce_logsumexp(log_weights, 0).numpy()
    error = nats.std(ddof=1) / len(nats) ** 0.5
    print(f"{name} prior: {nats.mean():.2f} ± {error:.2f} nats an image, {draws}-draw bound")

# %%
difference = bounds["RBM"] - bounds["normal"]
error = difference.std(ddof=1) / len(difference) ** 0.5
print(f"RBM minus normal: {difference.mean():.2f} ± {error:.2f} nats an image")

# %% [markdown]
# The error is over images, of one seed of training: what it says of these two sets of weights it
# does not say of priors in general.
#
# ## Samples, and what the prior adds
#
# A sample is a latent vector from the prior, decoded; shown is each pixel's probability.

# %%
grids = {}
for name, vae in vaes.items():
    z = vae.prior.sample(50, seed=(0, 3))
    probabilities = tf.sigmoid(vae.decoder(z))
    grids[f"{name} prior"] = tf.reshape(16 * probabilities, [-1, 8, 8, 1]).numpy().round()
tfp_ebm.plots.sample_grids(grids, IMAGES / "vae_samples.png", num_levels=17)

# %% [markdown]
# ![Samples with both priors](images/vae_samples.png)
#
# The Boltzmann prior brings codes along. Each column below holds the spins of one test image fixed
# and draws the Gaussian noise around them anew.

# %%
vae, prior = vaes["RBM"], priors["RBM"]
shown = [int(np.flatnonzero(data.test_labels == digit)[0]) for digit in range(10)]
loc, _ = tf.split(vae.encoder(test[shown]), 2, axis=-1)
spins = prior.posterior(loc).mode()
z = prior.sample([6, 10], spins=spins, seed=(0, 4))
decoded = tf.reshape(16 * tf.sigmoid(vae.decoder(z)), [6, 10, 8, 8, 1]).numpy().round()
originals = (16 * test[shown]).reshape(1, 10, 8, 8, 1)
columns = np.concatenate([originals, decoded])
tfp_ebm.plots.code_columns(columns, IMAGES / "vae_columns.png", num_levels=17)

# %% [markdown]
# ![First row: test images. Below: samples with the same spins](images/vae_columns.png)
#
# ## With Keras `fit`
#
# `LikelihoodModel` trains whatever has a `log_prob`, and moves the chains of every machine inside.
# A VAE is a distribution of pairs (x, z) with a posterior; if the decoder is a flow, extra
# dimensions and their posterior are `distributions.Augmented`, and everything is one
# `tfd.Distribution` (see VFlow).
