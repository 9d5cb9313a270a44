"""Faults of training and its checkpoints."""

# Modules whose tests have another name.
TESTS = {"diagnosis": "monitors"}

FAULTS = {
    "callbacks": [
        ("if loss < self.best:", "if loss > self.best:"),
        (
            "epoch + 1 - self.best_epoch >= self._patience",
            "epoch + 1 - self.best_epoch > self._patience",
        ),
        ("self._best_epoch.assign(epoch + 1)", "self._best_epoch.assign(epoch)"),
        ("self.model.restart_average()", "pass"),
        ('row = {"epoch": epoch + 1, **', 'row = {"epoch": epoch, **'),
        ("self.model.renews_log_partition = True", "pass"),
    ],
    "checkpoint": [
        ("if _digest(path) != expected:", "if _digest(path) == expected:"),
        (
            "if config is not None and saved != config:",
            "if config is not None and saved == config:",
        ),
        (
            "shutil.rmtree(previous, ignore_errors=True)\n        folder.rename(previous)",
            "shutil.rmtree(folder, ignore_errors=True)",
        ),
        ("status.assert_existing_objects_matched()", "pass"),
        ("folder = _previous(folder)\n", "pass\n"),
    ],
    "checkpoints": [
        ("state.replicas.gather()", "pass"),
        ("[: -self._keep]", "[: self._keep]"),
        ("self.save(epoch + 1, 0)", "self.save(epoch, 0)"),
        ("if is_time or self._interrupted:", "if is_time:"),
        ("self._position.assign([epoch, step])", "self._position.assign([epoch, 0])"),
        ('if step == self.params.get("steps"):', "if False:"),
        (
            "variable.assign(value)\n            self._metrics = None",
            "pass\n            self._metrics = None",
        ),
    ],
    "epoch_table": [
        ('int(old["epoch"]) < row["epoch"]', 'int(old["epoch"]) <= row["epoch"]'),
    ],
    "gradients": [
        (
            "for gradient in gradients if gradient is not None]\n    return tf.reduce_all",
            "for gradient in gradients[:1] if gradient is not None]\n    return tf.reduce_all",
        ),
        ("lambda: given, lambda:", "lambda: given, lambda: given and"),
        ("tf.stack([loss, *sums])", "tf.stack([*sums, *sums])"),
    ],
    "likelihood_model": [
        ("return -tf.reduce_sum(log_prob) / count", "return -tf.reduce_sum(log_prob)"),
        ("samplers.fold_in(self._seed, tf.cast(self.num_updates, tf.int32))", "self._seed"),
        (
            "with self.averaged_weights(), self.distribute_strategy.scope():",
            "with self.distribute_strategy.scope():",
        ),
        ("seed=samplers.fold_in(seed, -1 - index))", "seed=seed)"),
        ("part.update_chains(self.gibbs_steps", "part.update_chains(1"),
        ("self._apply(zero_unless(is_finite, gradients))", "self._apply(gradients)"),
        ("self._moving_average.update(self.num_updates)", "pass"),
        ("if bool(part.is_log_partition_stale()):", "if not bool(part.is_log_partition_stale()):"),
        (
            'self._seed = tf.Variable(samplers.sanitize_seed(seed), trainable=False, name="seed")',
            "self._seed = samplers.sanitize_seed(seed)",
        ),
        ("tf.reduce_sum(coupling**2)", "tf.reduce_sum(coupling)"),
        ("self._loss_metric.update_state(-log_prob)", "self._loss_metric.update_state(log_prob)"),
        (
            "own, gradients = gradients[: len(group)], gradients[len(group) :]",
            "own = gradients[: len(group)]",
        ),
        ("with seed_scope(seed), tf.GradientTape() as tape:", "with tf.GradientTape() as tape:"),
        ("tf.where(is_finite, log_prob, math.nan)", "log_prob"),
        ("self(x, training=True)", "self(x, training=False)"),
    ],
    "moving_average": [
        ("(1.0 + step) / (10.0 + step)", "(10.0 + step) / (1.0 + step)"),
        ("tf.cast(1.0 - momentum, average.dtype)", "tf.cast(momentum, average.dtype)"),
        ("tf.minimum(self._momentum", "tf.maximum(self._momentum"),
        ("average.assign(value)", "pass"),
    ],
    "parameter_groups": [
        ('names.get(variable.ref(), "flow")', 'names.get(variable.ref(), "base")'),
        ("_variables(part.noise)", "_variables(part.distribution)"),
    ],
    "sampling": [
        ("samplers.fold_in(seed, i)", "seed"),
        ("[:num_samples]", ""),
    ],
    "schedules": [
        ("(step + 1) / max(1, self.warmup_steps)", "step / max(1, self.warmup_steps)"),
        ("tf.maximum(0.0, step - self.warmup_steps)", "step"),
        ('1.0 if name == "constant" else decay_rate', "decay_rate"),
        ("decay_steps=max(1, num_steps - warmup_steps)", "decay_steps=max(1, num_steps)"),
    ],
    "semi_supervised_model": [
        (
            "tf.where(labels < 0, log_prob, weight * log_prob)",
            "tf.where(labels < 0, weight * log_prob, log_prob)",
        ),
        ("if not training:", "if training:"),
    ],
}
