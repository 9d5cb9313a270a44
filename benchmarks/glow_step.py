"""A training step of Glow against the package normflows (PyTorch) at equal levels, steps, width.

    pip install normflows torch
    python benchmarks/glow_step.py --output benchmarks/results/glow_step.json

28x28 images, a Gaussian base, Adam.
"""

import harness

CASES = [{"batch_size": 32, "num_scales": 2, "num_steps": 8, "num_filters": 512}]


def ours(batch_size, num_scales, num_steps, num_filters):
    """Images a second of `LikelihoodModel.train_step`."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf_keras.utils.set_random_seed(0)
    model = models.eb_and_flow(
        (28, 28, 1),
        flow="glow",
        rbm="none",
        num_scales=num_scales,
        num_steps=num_steps,
        num_filters=num_filters,
        conditional=False,
    )
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
    images = np.random.default_rng(0).integers(0, 256, [batch_size, 28, 28, 1]).astype(np.uint8)
    step = tf.function(trainer.train_step)
    elapsed = harness.seconds(
        lambda: float(next(iter(step((images,)).values()))), repeats=5, warm_up=2
    )
    return {
        "images_per_second": batch_size / elapsed,
        "num_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }


def normflows(batch_size, num_scales, num_steps, num_filters):
    """Images a second of the peer."""
    import normflows as nf
    import torch

    torch.manual_seed(0)
    levels, merges, bases = [], [], []
    for level in range(num_scales):  # From the coarsest latents to the image, as it wants them.
        channels = 4 * 2 ** (num_scales - 1 - level)
        side = 28 // 2 ** (num_scales - level)
        blocks = [
            nf.flows.GlowBlock(channels, num_filters, split_mode="channel", scale=True)
            for _ in range(num_steps)
        ]
        levels.append([*blocks, nf.flows.Squeeze()])
        if level > 0:
            merges.append(nf.flows.Merge())
        kept = channels if level == 0 else channels // 2
        bases.append(nf.distributions.DiagGaussian((kept, side, side), trainable=False))
    transform = nf.transforms.Logit(0.05)
    model = nf.MultiscaleFlow(bases, levels, merges, transform, class_cond=False)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    images = torch.randint(0, 256, [batch_size, 1, 28, 28])

    def train_step():
        x = (images + torch.rand(images.shape)) / 256
        loss = model.forward_kld(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    elapsed = harness.seconds(train_step, repeats=5, warm_up=2)
    count = sum(parameter.numel() for parameter in model.parameters())
    return {"images_per_second": batch_size / elapsed, "num_parameters": count}


def summarize(rows):
    """Returns the ratio of speeds."""
    ours, peer = rows[0]["ours"], rows[0]["normflows"]
    return {"over_normflows": ours["images_per_second"] / peer["images_per_second"]}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"ours": ours, "normflows": normflows}, CASES, summarize)
