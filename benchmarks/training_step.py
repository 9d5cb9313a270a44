"""A training step of the small 28x28 flow against the same network written plainly in PyTorch.

    pip install torch
    python benchmarks/training_step.py --output benchmarks/results/training_step.json

Both have a standard Gaussian base, Adam, and dropout on; PyTorch runs channels-last.
"""

import harness

CASES = [{"batch_size": 64, "num_filters": 32, "num_components": 8, "num_blocks": 2}]


def make_step(batch_size, num_filters, num_components, num_blocks):
    """Returns a function that makes one update on random images, and the model it trains."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf_keras.utils.set_random_seed(0)
    model = models.gaussian_flow(
        (28, 28, 1),
        num_filters=num_filters,
        num_components=num_components,
        num_blocks=num_blocks,
        dropout_rate=0.2,
    )
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
    images = np.random.default_rng(0).integers(0, 256, [batch_size, 28, 28, 1]).astype(np.uint8)
    step = tf.function(trainer.train_step)
    return lambda: float(next(iter(step((images,)).values()))), model


def ours(batch_size, num_filters, num_components, num_blocks):
    """Images a second of `LikelihoodModel.train_step`."""
    import numpy as np
    import tensorflow as tf

    step, model = make_step(batch_size, num_filters, num_components, num_blocks)
    elapsed = harness.seconds(step, repeats=7, warm_up=2)
    size = 2048
    a = tf.random.stateless_normal([size, size], (0, 1))
    product = tf.function(lambda x: tf.matmul(x, x))
    rate = 2 * size**3 / harness.seconds(lambda: product(a).numpy(), repeats=5)
    flops = 3 * batch_size * _convolution_flops(num_filters, num_components, num_blocks)
    return {
        "images_per_second": batch_size / elapsed,
        "num_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "convolution_gigaflops": flops / elapsed / 1e9,
        "matmul_gigaflops": rate / 1e9,
        "share_of_matmul": flops / elapsed / rate,
    }


def _convolution_flops(filters, components, blocks):
    """Returns the multiplications and additions of all conditioners for one image, forward."""
    total = 0
    for count, channels, positions in ((4, 1, 28 * 14), (2, 2, 14 * 14), (4, 4, 14 * 7)):
        weights = 9 * channels * filters + blocks * 22 * filters**2
        weights += 9 * filters * channels * (2 + 3 * components)
        total += count * 2 * positions * weights
    return total


def pytorch(batch_size, num_filters, num_components, num_blocks):
    """Images a second of the same flow in PyTorch."""
    import math

    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)

    def concat_elu(x):
        return functional.elu(torch.cat([x, -x], dim=1))

    class Block(nn.Module):
        def __init__(self, filters):
            super().__init__()
            self.hidden = nn.Conv2d(2 * filters, filters, 3, padding=1)
            self.gate = nn.Conv2d(2 * filters, 2 * filters, 1)
            self.norm = nn.LayerNorm(filters, eps=1e-5)

        def forward(self, x):
            h = functional.dropout(concat_elu(self.hidden(concat_elu(x))), 0.2, self.training)
            a, b = self.gate(h).chunk(2, dim=1)
            y = x + a * torch.sigmoid(b)
            return self.norm(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Step(nn.Module):
        def __init__(self, channels, height, width, first):
            super().__init__()
            self.first = first
            self.shift = nn.Parameter(torch.zeros(2 * channels, height, width))
            self.log_scale = nn.Parameter(torch.zeros(2 * channels, height, width))
            self.kernel = nn.Parameter(
                torch.eye(2 * channels) + 1e-3 * torch.randn(2 * channels, 2 * channels)
            )
            self.proj_in = nn.Conv2d(channels, num_filters, 3, padding=1)
            self.blocks = nn.Sequential(*[Block(num_filters) for _ in range(num_blocks)])
            outputs = channels * (2 + 3 * num_components)
            self.proj_out = nn.Conv2d(num_filters, outputs, 3, padding=1)
            nn.init.normal_(self.proj_out.weight, std=0.1 / math.sqrt(9 * num_filters))

        def forward(self, x):
            x = x * self.log_scale.exp() + self.shift
            log_det = self.log_scale.sum()
            x = functional.conv2d(x, self.kernel[:, :, None, None])
            positions = x.shape[2] * x.shape[3]
            log_det = log_det + positions * torch.linalg.slogdet(self.kernel)[1]
            a, b = x.chunk(2, dim=1)
            if self.first:
                a, b = b, a
            out = self.proj_out(self.blocks(self.proj_in(a))).permute(0, 2, 3, 1)
            out = out.reshape(*out.shape[:3], b.shape[1], -1)
            s, t = torch.tanh(out[..., 0]), out[..., 1]
            logits, locs, log_scales = out[..., 2:].chunk(3, dim=-1)
            log_scales = log_scales.clamp(min=-7)
            z = (b.permute(0, 2, 3, 1)[..., None] - locs) * torch.exp(-log_scales)
            weights = torch.log_softmax(logits, dim=-1)
            log_cdf = torch.logsumexp(weights + functional.logsigmoid(z), dim=-1)
            log_survival = torch.logsumexp(weights + functional.logsigmoid(-z), dim=-1)
            log_density = torch.logsumexp(
                weights + functional.logsigmoid(z) + functional.logsigmoid(-z) - log_scales, dim=-1
            )
            y = (log_cdf - log_survival) * torch.exp(s) + t
            log_det = log_det + (log_density - log_cdf - log_survival + s).sum((1, 2, 3))
            y = y.permute(0, 3, 1, 2)
            return torch.cat([y, a] if self.first else [a, y], dim=1), log_det

    def columns(x):
        return torch.cat([x[..., 0::2], x[..., 1::2]], dim=1)

    def uncolumns(x):
        a, b = x.chunk(2, dim=1)
        return torch.stack([a, b], dim=-1).flatten(3)

    class Flow(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.ModuleList([Step(1, 28, 14, bool(i % 2)) for i in range(4)])
            self.two = nn.ModuleList([Step(2, 14, 14, bool(i % 2)) for i in range(2)])
            self.three = nn.ModuleList([Step(4, 14, 7, bool(i % 2)) for i in range(4)])

        def forward(self, x):
            p = 0.05 + 0.9 * x / 256
            log_det = (math.log(0.9 / 256) - p.log() - torch.log1p(-p)).sum((1, 2, 3))
            x = columns(p.log() - torch.log1p(-p))
            for index, stage in enumerate((self.one, self.two, self.three)):
                if index == 1:
                    x = functional.pixel_unshuffle(uncolumns(x), 2)
                if index == 2:
                    x = columns(x)
                for step in stage:
                    x, more = step(x)
                    log_det = log_det + more
            return x, log_det

    flow = Flow().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(flow.parameters(), 1e-3)
    images = torch.randint(0, 256, [batch_size, 1, 28, 28])

    def train_step():
        x = (images + torch.rand(images.shape)).to(memory_format=torch.channels_last)
        z, log_det = flow(x)
        log_prob = log_det - 0.5 * (z**2).sum((1, 2, 3)) - 392 * math.log(2 * math.pi)
        loss = -log_prob.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    elapsed = harness.seconds(train_step, repeats=7, warm_up=2)
    count = sum(parameter.numel() for parameter in flow.parameters())
    return {"images_per_second": batch_size / elapsed, "num_parameters": count}


def summarize(rows):
    """Returns the ratio of speeds."""
    ours, other = rows[0]["ours"], rows[0]["pytorch"]
    return {"over_pytorch": ours["images_per_second"] / other["images_per_second"]}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"ours": ours, "pytorch": pytorch}, CASES, summarize)
