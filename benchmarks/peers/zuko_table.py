"""The same by zuko: what it leaves to its user is written out."""

import sys

import numpy as np
import torch
import zuko

path, epochs = sys.argv[1], int(sys.argv[2])
names = open(path).readline().strip().replace('"', "").split(",")
rows = np.loadtxt(path, delimiter=",", skiprows=1)
steps = {"carat": 0.01, "depth": 0.1, "table": 0.1, "price": 1, "x": 0.01, "y": 0.01, "z": 0.01}
step = np.array([steps[name] for name in names])
random = np.random.default_rng(0)
order = random.permutation(len(rows))
tenth = len(rows) // 10
train, test = rows[order[: -2 * tenth]], rows[order[-tenth:]]
mean, scale = train.mean(axis=0), train.std(axis=0)


def dequantized(rows):
    """Returns rows with noise of their steps, standardised."""
    noise = random.uniform(size=rows.shape) - 0.5
    return torch.tensor((rows + noise * step - mean) / scale, dtype=torch.float32)


flow = zuko.flows.NSF(len(names), transforms=4, bins=8, hidden_features=(50, 50))
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
for _ in range(epochs):
    for batch in torch.utils.data.DataLoader(train, batch_size=256, shuffle=True):
        loss = -flow().log_prob(dequantized(batch.numpy())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    log_density = flow().log_prob(dequantized(test)).mean().item()
    drawn = flow().sample((5,)).numpy() * scale + mean
print("nats", -(log_density + np.log(step / scale).sum()))
print(dict(zip(names, (np.rint(drawn / step) * step).T.tolist(), strict=True)))
