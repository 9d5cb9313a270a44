# %% [markdown]
# # A table, from CSV to samples
#
# A table mixes kinds of columns: amounts, counts, categories. A density over real vectors fits none
# of them as they are, and whoever turns categories into numbers by hand has to turn samples back,
# too. Here a CSV file goes in and rows of the same kind come out, with a likelihood that says what
# it is.
#
# To judge the result, the table is one whose rules are known: taxi rides, written by a few lines
# of NumPy. With your own file, start at "Reading it".

# %%
import csv
import os
import pathlib

import numpy as np
import tf_keras

import tfp_ebm
from tfp_ebm.models import DataSpec, ModelSpec

SMALL = "TFP_EBM_SMALL" in os.environ  # A few updates, to test this page.
IMAGES = pathlib.Path("images")
IMAGES.mkdir(exist_ok=True)

# %% [markdown]
# ## The rides
#
# A ride has a zone, a number of passengers, kilometres, and a fare. Rides to the airport are long
# and have a flat fare; large groups pay a third more. Cash and card, the last column, depend on
# the fare.

# %%
ZONES, PAYMENTS = ("airport", "centre", "suburb"), ("card", "cash")


def draw_rides(num, seed):
    rng = np.random.default_rng(seed)
    zone = rng.choice(3, num, p=[0.2, 0.5, 0.3])
    passengers = 1 + rng.binomial(5, np.array([0.4, 0.1, 0.2])[zone])
    location = np.log(np.array([20.0, 3.0, 8.0]))[zone]
    kilometres = np.exp(location + np.array([0.1, 0.5, 0.3])[zone] * rng.normal(size=num))
    fare = np.where(zone == 0, 45.0, 3.0 + 1.8 * kilometres)
    fare = fare * np.where(passengers > 4, 4 / 3, 1.0) * np.exp(0.03 * rng.normal(size=num))
    cash = rng.uniform(size=num) < 1 / (1 + np.exp((fare - 15) / 5))
    return zone, passengers, kilometres, fare, cash


def write(path, num, seed):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["zone", "passengers", "kilometres", "fare", "payment"])
        for zone, passengers, kilometres, fare, cash in zip(*draw_rides(num, seed), strict=True):
            writer.writerow([ZONES[zone], passengers, kilometres, fare, PAYMENTS[int(cash)]])


write("rides.csv", 1_000 if SMALL else 20_000, seed=0)
print(*pathlib.Path("rides.csv").read_text().splitlines()[:4], sep="\n")

# %% [markdown]
# ## Reading it
#
# Text makes categories, whole numbers are found, the rest is real. A tenth of the rows is kept for
# validation and a tenth for the test. `columns={"passengers": "continuous"}` would overrule what
# was found.

# %%
data = tfp_ebm.datasets.load("rides.csv")
for column in data.columns:
    print(f"{column.name}: {column.kind} {column.categories or ''}")
print(len(data.train), len(data.validation), len(data.test), data.train[0])

# %% [markdown]
# ## A model
#
# `DataSpec.of` describes the data, `ModelSpec` the model: a flow of splines on an RBM base. A
# category of K values takes K dimensions, of which the largest names it; a count k is k plus noise
# on its cell. So the likelihood is a *lower bound*, a probability in the columns of categories and
# counts and a density in the others, in nats a row.

# %%
tf_keras.utils.set_random_seed(0)
spec = ModelSpec(DataSpec.of(data), flow="spline", base="rbm")
model = tfp_ebm.models.build(spec)
trainer = tfp_ebm.training.LikelihoodModel(model)
schedule = tf_keras.optimizers.schedules.CosineDecay(3e-3, 20 if SMALL else 1_250)
trainer.compile(optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=10.0))
history = trainer.fit(
    data.train,
    validation_data=data.validation,
    epochs=1 if SMALL else 20,
    batch_size=256,
    verbose=0,
)
losses = {"training": history.history["loss"], "validation": history.history["val_loss"]}
epochs = range(1, len(losses["training"]) + 1)
tfp_ebm.plots.curves(epochs, losses, IMAGES / "table_curves.png", ylabel="nats a row")

# %% [markdown]
# ![Loss over epochs](images/table_curves.png)
#
# ## How good is it?
#
# The rows' own entropy, from the rules above, is the best there can be. A density has units: real
# columns are standardised, so that the model's is one in standard deviations, and the logarithms of
# these are what lies between its nats and those of kilometres and fares.


# %%
def true_log_prob(zone, passengers, kilometres, fare, cash):
    def normal(x, mean, scale):
        return -0.5 * ((x - mean) / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))

    total = np.log(np.array([0.2, 0.5, 0.3]))[zone]
    k, p = passengers - 1, np.array([0.4, 0.1, 0.2])[zone]
    ways = np.array([1, 5, 10, 10, 5, 1])[k]
    total = total + np.log(ways) + k * np.log(p) + (5 - k) * np.log(1 - p)
    location, scale = np.log(np.array([20.0, 3.0, 8.0]))[zone], np.array([0.1, 0.5, 0.3])[zone]
    total = total + normal(np.log(kilometres), location, scale) - np.log(kilometres)
    base = np.where(zone == 0, 45.0, 3.0 + 1.8 * kilometres) * np.where(passengers > 4, 4 / 3, 1.0)
    total = total + normal(np.log(fare), np.log(base), 0.03) - np.log(fare)
    return total - np.logaddexp(0, np.where(cash, fare - 15, 15 - fare) / 5)


def report(name, nats):
    print(f"{name}: {np.mean(nats):.3f} ± {np.std(nats) / len(nats) ** 0.5:.3f} nats a row")


rides = draw_rides(100_000, seed=1)
units = sum(np.log(column.scale) for column in data.columns if column.kind == "continuous")
report("entropy of the rules", -true_log_prob(*rides) - units)
report("one-draw bound, test part", -model.log_prob(data.test, seed=(0, 1)).numpy())
tighter = model.importance_log_prob(data.test, num_samples=64, seed=(0, 2))
report("64-draw bound, test part", -tighter.numpy())

# %% [markdown]
# ## Rows again
#
# Samples are decoded to the table's own words and units.

# %%
samples = model.sample(5_000, seed=(0, 3)).numpy()
rows = data.decode(samples)
for cells in list(zip(*rows.values(), strict=True))[:4]:
    print(*[f"{cell:.2f}" if isinstance(cell, float) else cell for cell in cells])
held_out = data.decode(data.test)
tfp_ebm.plots.table_pairs({"data": held_out, "samples": rows}, IMAGES / "table_pairs.png")

# %% [markdown]
# ![Every pair of columns: data below the diagonal, samples above](images/table_pairs.png)
#
# Did it learn the rules? Each line is a share that the rules set, in data and in samples.


# %%
def shares(rows):
    """Returns shares of rides, and how many rides each is a share of."""
    airport, large = rows["zone"] == "airport", rows["passengers"] > 4
    cheap = rows["fare"] < 15
    meter = 3.0 + 1.8 * rows["kilometres"]
    return {
        "rides to the airport": (airport.mean(), len(airport)),
        "airport rides of at most four at 40 to 50": (
            np.mean((rows["fare"] > 40) & (rows["fare"] < 50), where=airport & ~large),
            np.sum(airport & ~large),
        ),
        "other small groups within 10 % of the meter": (
            np.mean(np.abs(rows["fare"] / meter - 1) < 0.1, where=~airport & ~large),
            np.sum(~airport & ~large),
        ),
        "cash below a fare of 15": (
            np.mean(rows["payment"] == "cash", where=cheap),
            np.sum(cheap),
        ),
    }


for name in (of_data := shares(held_out)):
    lines = []
    for share, count in (of_data[name], shares(rows)[name]):
        error = (share * (1 - share) / count) ** 0.5
        lines.append(f"{100 * share:.1f} ± {100 * error:.1f} %")
    print(f"{name}: data {lines[0]}, samples {lines[1]}")

# %% [markdown]
# What is hardest is what is sharpest: the fare of a ride is set by its kilometres within 3 %, a
# thin sheet in the space of rows. More epochs and more bins (`flow=("spline", {"num_bins": 16})`)
# bring it closer.
#
# ## The same from the shell
#
#     tfp-ebm train rbm_flow --dataset rides.csv --epochs 20 --batch-size 256 --output runs/rides
#     tfp-ebm evaluate runs/rides
#     tfp-ebm sample runs/rides --num 1000
#
# A row's discrete code: `tfp_ebm.models.encode(model, data.test)`. A model of rows given a label:
# `models.Conditional`.
