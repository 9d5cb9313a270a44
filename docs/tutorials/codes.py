# %% [markdown]
# # Images and their discrete codes
#
# Most flows give an image a vector of real numbers. A flow on a Boltzmann base gives it spins as
# well: a code of bits, exact and without an encoder to train, of which the base knows how often it
# occurs. Here the codes of handwritten digits are read, compared, searched by and sampled from.
#
# The model is RBM-Flow, trained on a thousand 8x8 digits for a few minutes of one core. Its weights
# come with the package:

# %%
import os
import pathlib

import numpy as np

import tfp_ebm

SMALL = "TFP_EBM_SMALL" in os.environ  # Fewer images, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)

data = tfp_ebm.datasets.load("digits")  # uint8, 17 levels
model = tfp_ebm.load("digits-rbm-flow")
test = tfp_ebm.runs.trained_record("digits-rbm-flow")["test"]
print(
    f"{test['bits_per_dimension']:.3f} ± {test['bits_per_dimension_error']:.3f} bits/dim, a bound"
)

# %% [markdown]
# The same by the command that made them:
#
#     tfp-ebm train rbm_flow --dataset digits --num-filters 16 --epochs 60 --patience 6 --output run
#
# ## From an image to its code
#
# An integer is dequantised by noise, the flow takes it to a latent vector z, and the base says with
# which probability each of its spins is +1. `.mode()` is the most probable code.

# %%
count = 100 if SMALL else len(data.test)
images, labels = data.test[:count], data.test_labels[:count]
posterior = tfp_ebm.models.encode(model, images, seed=(0, 1))
codes = posterior.mode().numpy()
certain = np.abs(posterior.mean().numpy())
print(f"{codes.shape[1]} bits an image, {len(np.unique(codes, axis=0))} codes of {count} images")
print(f"{100 * (certain > 0.9).mean():.1f} % of the bits are certain to 95 %")

# %% [markdown]
# Another draw of the noise can turn a bit. The share that turns tells how much of a code belongs
# to the image:

# %%
again = tfp_ebm.models.encode(model, images, seed=(0, 2)).mode().numpy()
turned = (again != codes).mean(1)
print(f"{100 * turned.mean():.1f} ± {100 * turned.std() / count**0.5:.1f} % of the bits turn")

# %% [markdown]
# ## From a code to images
#
# A code is not an image but a family of images: hold the spins fixed, draw the Gaussian noise
# around them anew, and push it through the flow. Every column below shares one code, that of the
# image in the first row. This is the third figure of the paper that proposed the model.

# %%
shown = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
drawn = tfp_ebm.models.decode(model, np.repeat(codes[None, shown], 7, axis=0), seed=(0, 3)).numpy()
columns = np.concatenate([images[None, shown], drawn])
tfp_ebm.plots.code_columns(columns, IMAGES / "codes_columns.png", data.num_levels)

# %% [markdown]
# ![First row: test images. Below: samples with the code of their column](images/codes_columns.png)
#
# ## Searching by code
#
# Bits are compared by counting those that differ. Does the nearest training image by code show
# the same digit? Beside it the nearest by pixels, and by the signs of as many principal components:
# what any code of 64 bits has to beat.

# %%
train = data.train[: 200 if SMALL else None]
train_labels = data.train_labels[: len(train)]
train_codes = tfp_ebm.models.encode(model, train, seed=(0, 4)).mode().numpy()


def report(name, queries, keys):
    squares = (queries**2).sum(1)[:, None] + (keys**2).sum(1) - 2 * queries @ keys.T
    right = (train_labels[np.argmin(squares, axis=1)] == labels).mean()
    error = (right * (1 - right) / count) ** 0.5
    print(f"{name}: the same digit {100 * right:.1f} ± {100 * error:.1f} % of the time")


pixels = [part.reshape(len(part), -1).astype(float) for part in (images, train)]
mean = pixels[1].mean(0)
axes = np.linalg.svd(pixels[1] - mean, full_matrices=False)[2]
report("code, 64 bits", codes, train_codes)
report("signs of principal components, 64 bits", *[np.sign((x - mean) @ axes.T) for x in pixels])
report("pixels", *pixels)

# %% [markdown]
# The model never saw a label, and a code is made to be likely, not to be searched by. What a
# linear classifier reads off the codes is told in the results: more than off the signs of a
# Gaussian flow's latent vector.
#
# ## Which bits say what
#
# The share of the test images of each digit whose bit is +1; the columns are the bits, those first
# that differ most between digits.

# %%
from matplotlib.figure import Figure

shares = np.stack([(codes[labels == digit] > 0).mean(0) for digit in range(10)])
order = np.argsort(-shares.std(0))
figure = Figure(figsize=(8, 2.6), layout="constrained")
picture = (axes := figure.subplots()).imshow(shares[:, order], cmap="cividis", vmin=0, vmax=1)
axes.set(xlabel="bit, in order of how much it tells", ylabel="digit", yticks=range(10))
figure.colorbar(picture, label="share of images with +1")
figure.savefig(IMAGES / "codes_bits.png", dpi=80)

# %% [markdown]
# ![Share of +1 in every bit for every digit](images/codes_bits.png)
#
# ## What next
#
# - Your own images: `tfp-ebm train rbm_flow --dataset my_folder --output run`, then
#   `tfp-ebm encode run` writes the codes beside the labels.
# - A smaller `delta` (2.5 here) lets Gaussians overlap: a better likelihood, a weaker code.
# - `tfp-ebm train d_flow --dataset digits --output run` has independent spins: compare.
