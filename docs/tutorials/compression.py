# %% [markdown]
# # Compressing images
#
# A model that gives images high probability can store them in few bits: an entropy coder spends
# -log2 P(x) bits on x. That needs the probability of the very integers, not a bound with noise, and
# a decoder that computes the same probabilities to the last digit. Integer flows give the first,
# `tfp_ebm.coding` sees to the second: what comes out is what went in, bit for bit, or an error.
#
# It is also the most honest likelihood there is. A file has a size.
#
#     pip install "tfp-ebm[coding,digits]"

# %%
import io
import math
import os
import pathlib
import zlib

import numpy as np
import tf_keras
from PIL import Image

import tfp_ebm

SMALL = "TFP_EBM_SMALL" in os.environ  # A few updates, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)

data = tfp_ebm.datasets.load("digits")  # 8x8, 17 levels
images = data.test[: 20 if SMALL else None]

# %% [markdown]
# ## A model of integers
#
# `integer_flow` maps images to images by couplings that add rounded numbers, modulo the number of
# levels, and gives each entry a mixture of rounded logistics. Training is as for any other model;
# the loss is an exact negative log-probability, in nats an image.

# %%
tf_keras.utils.set_random_seed(0)
options = {"num_steps": 1, "num_filters": 16, "hidden_units": (64,), "dropout_rate": 0.2}
model = tfp_ebm.models.create(
    "integer_flow",
    data.image_shape,
    data.num_levels,
    **options,
    **{"base.num_blocks": 2, "base.dropout_rate": 0.3},
)
trainer = tfp_ebm.training.LikelihoodModel(model, ema_momentum=0.99)
schedule = tf_keras.optimizers.schedules.CosineDecay(3e-3, 2 if SMALL else 300)
trainer.compile(optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=100.0))
history = trainer.fit(
    data.train[: 200 if SMALL else None],
    validation_data=data.validation,
    epochs=1 if SMALL else 30,
    batch_size=100,
    verbose=0,
    callbacks=[tfp_ebm.training.BestWeights()],
)
losses = {"training": history.history["loss"], "validation": history.history["val_loss"]}
epochs = range(1, len(losses["training"]) + 1)
tfp_ebm.plots.curves(epochs, losses, IMAGES / "compression_curves.png", ylabel="nats an image")

# %% [markdown]
# ![Loss over epochs](images/compression_curves.png)
#
# ## There and back

# %%
file = tfp_ebm.coding.compress(model, images)
again = tfp_ebm.coding.decompress(model, file)
bits = -model.log_prob(images).numpy() / math.log(2)
print("the same bit for bit:", bool((again == images).all()))
print(f"likelihood {bits.sum() / 8:,.0f} bytes, file {len(file):,} bytes")
error = bits.std(ddof=1) / len(bits) ** 0.5 / images[0].size
print(f"{bits.mean() / images[0].size:.3f} ± {error:.3f} bits/dim, exact")

# %% [markdown]
# The file is as long as the likelihood says, but for a header of some fifty bytes and the rounding
# of probabilities. Beside it, what general tools make of the same images, all in one picture so
# that each pays its header once:


# %%
def png(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return len(buffer.getvalue())


wall = images.reshape(-1, 8)  # One below the other.
sizes = {
    "raw, 5 bits a pixel": -(-images.size * 5 // 8),
    "zlib, level 9": len(zlib.compress(images.tobytes(), 9)),
    "PNG": min(png(wall), png(images.transpose(1, 0, 2, 3).reshape(8, -1))),
    "integer flow": len(file),
}
for name, size in sizes.items():
    print(f"{name}: {size:,} bytes, {8 * size / images.size:.3f} bits a pixel")

# %% [markdown]
# That is without the weights, which the reader has to have: a model pays where many files share
# it. A thousand training images of this kind are few; more data make better models, see the
# figures for Fashion-MNIST and MNIST in the guide to compression.
#
# ## What costs many bits
#
# The cheapest images above the dearest. Bits are surprise: what costs most looks least like the
# others.

# %%
order = np.argsort(bits)
ends = np.concatenate([images[order[:10]], images[order[-10:]]])
tfp_ebm.plots.sample_grid(ends, IMAGES / "compression_ends.png", data.num_levels, num_columns=10)
print(f"cheapest {bits[order[0]]:.0f} bits, dearest {bits[order[-1]]:.0f} bits")
upside_down = -model.log_prob(images[:, ::-1]).numpy() / math.log(2)
print(f"right way up {bits.mean():.0f}, upside down {upside_down.mean():.0f} bits an image")

# %% [markdown]
# ![Ten cheapest and ten dearest images](images/compression_ends.png)
#
# ## When something is wrong
#
# A damaged file, another model, or a machine that rounds otherwise ends in an error, never in wrong
# images: the file holds checksums of itself, of the model and of the images.

# %%
damaged = bytearray(file)
damaged[len(file) // 2] ^= 1
for description, attempt in {
    "one bit turned": lambda: tfp_ebm.coding.decompress(model, bytes(damaged)),
    "cut short": lambda: tfp_ebm.coding.decompress(model, file[:-5]),
}.items():
    try:
        attempt()
    except tfp_ebm.coding.CodingError as error:
        print(f"{description}: {error}")

# %% [markdown]
# ## The same from the shell
#
#     tfp-ebm train integer_flow --dataset digits --output run
#     tfp-ebm compress run images.npz --output images.tfe
#     tfp-ebm decompress run images.tfe --output again.npz
#
# Tables of whole numbers and categories are compressed in the same way.
