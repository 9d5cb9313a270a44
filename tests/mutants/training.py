"""Faults of training and its checkpoints."""

# Modules whose tests have another name.
TESTS = {
    "diagnosis": "training/callbacks/monitors",
    "arrays": "data_checks",
    "data": "data_checks",
    "pairs": "conditional_likelihood_model",
}

FAULTS = {
    "callbacks/best_weights": [
        ("if loss < self.best:", "if loss > self.best:"),
        (
            "epoch + 1 - self.best_epoch >= self._patience",
            "epoch + 1 - self.best_epoch > self._patience",
        ),
        ("self._best_epoch.assign(epoch + 1)", "self._best_epoch.assign(epoch)"),
        ("self.model.restart_average()", "pass"),
    ],
    "callbacks/low_rank_start": [
        ("if count > self._num_updates:", "if count >= self._num_updates:"),
        ("tf.linalg.eigh(covariance)[1][:, -rank:]", "tf.linalg.eigh(covariance)[1][:, :rank]"),
        ("visible - tf.reduce_mean(visible, axis=0)", "visible"),
        ("visible = values[:, :num_visible]", "visible = values[:, -num_visible:]"),
        ("self._move(samplers.fold_in(self._seed, count))", "pass"),
    ],
    "callbacks/metrics_file": [
        ('row = {"epoch": epoch + 1, **', 'row = {"epoch": epoch, **'),
    ],
    "callbacks/log_partition_callback": [
        ("self.model.annealing = self._annealing", "pass"),
        ("with self.model.as_evaluated():", "if True:"),
    ],
    "saving/checkpoint": [
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
    "saving/checkpoints": [
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
    "arrays": [
        ("if np.ma.is_masked(data):", "if False:"),
        ("if array.dtype.kind in _NUMBERS and array.ndim:", "if array.dtype.kind in _NUMBERS:"),
        ("if odd:", "if False:"),
    ],
    "data": [
        ("if columns != self._columns:", "if set(columns) != set(self._columns):"),
        ("return itertools.chain([first], iterator)", "return iterator"),
        ("(_with_shape(structure[:1], shape), *structure[1:])", "structure"),
        ("array = array.astype(np.uint8)", "array = 1 - array.astype(np.uint8)"),
    ],
    "data_checks": [
        ("bad[0]}", "bad[-1]}"),
        ("rows.any(axis=0)", "rows.all(axis=0)"),
        ("low < 0 or high > highest or not whole", "low < 0 or high > highest"),
        ("if highest > 1 and high == 1", "if high == 1"),
        ("and data.size >= _MIN_BINARY", ""),
        ("0 if model.parameters.get", "-1 if model.parameters.get"),
        ("is not None\n    except", "is None\n    except"),
    ],
    "epoch_loss": [
        (
            "    if bool(part.is_log_partition_stale()):\n        _estimate",
            "    if not bool(part.is_log_partition_stale()):\n        _estimate",
        ),
        ('if followed.method != "running":', 'if followed.method == "running":'),
        ("tf.reduce_any(disagree(gap, variance))", "tf.reduce_any(~disagree(gap, variance))"),
        ("share = 1.0 if is_cheap else _SHARE", "share = _SHARE"),
        ("sum(float(tf.reduce_max(r.gap)) for r in records)", "0.0"),
        ("lambda value: value + part.log_partition_offset()", "lambda value: value"),
        ("math.hypot(float(sampling_error), log_partition_error)", "float(sampling_error)"),
        ("kept.of_dataset if is_dataset", "kept.of_dataset if not is_dataset"),
        ("np.linspace(0, len(batches) - 1, count)", "np.arange(count)"),
        (
            "max(_MIN_EVENTS, math.ceil(share * size))",
            "min(_MIN_EVENTS, math.ceil(share * size))",
        ),
        ("* num_sweeps * chains", "* chains"),
    ],
    "kept_batches": [
        ("self._num_seen % self._stride == 0", "self._num_seen >= 0"),
        ("self._kept[::2], 2 * self._stride", "self._kept[::2], self._stride"),
        ("np.linspace(0, len(kept) - 1, int(min(wanted, len(kept))))", "np.arange(wanted)"),
        ("            self._start()\n        return", "            pass\n        return"),
        ("map_structure(np.array, batch)", "map_structure(np.asarray, batch)"),
    ],
    "event_trainer": [
        (
            'self._seed = tf.Variable(samplers.sanitize_seed(seed), trainable=False, name="seed")',
            "self._seed = samplers.sanitize_seed(seed)",
        ),
        (
            "self.as_evaluated():\n            return super().evaluate",
            "self.distribute_strategy.scope():\n            return super().evaluate",
        ),
        (
            "self.as_evaluated():\n            return super().predict",
            "self.distribute_strategy.scope():\n            return super().predict",
        ),
        ("start=int(self.num_updates.numpy())", "start=0"),
        ("lambda part: part[kept:]", "lambda part: part[:kept]"),
        ("int(size * (1 - split))", "int(size * split)"),
        ('kwargs["shuffle"] = options["shuffle"]', "pass"),
    ],
    "callbacks/epoch_table": [
        ('int(old["epoch"]) < row["epoch"]', 'int(old["epoch"]) <= row["epoch"]'),
    ],
    "gradients": [
        (
            "for gradient in gradients if gradient is not None]\n    return tf.reduce_all",
            "for gradient in gradients[:1] if gradient is not None]\n    return tf.reduce_all",
        ),
        ("tf.zeros_like(g) for g in given", "0 * g for g in given"),
        ("tf.stack([loss, *sums])", "tf.stack([*sums, *sums])"),
    ],
    "likelihood_model": [
        ("return -tf.reduce_sum(log_prob) / count", "return -tf.reduce_sum(log_prob)"),
        ("samplers.fold_in(self._seed, tf.cast(self.num_updates, tf.int32))", "self._seed"),
        (
            "        with self.averaged_weights():\n            self.renew",
            "        if True:\n            self.renew",
        ),
        ("self._score(batch, tf.constant(index))", "self._score(batch, tf.constant(0 * index))"),
        ("self._inputs(share), index", "self._reader.cast(events(share)), index"),
        ("-(log_prob + level)", "-(log_prob - level)"),
        (
            "finally:\n            self._sample, self.annealing",
            "finally:\n            self._sample, _",
        ),
        (
            "averaged, _ = trained_variables(model, self._frozen)",
            "averaged = model.trainable_variables",
        ),
        ("require_all_trained(variables, tape, self._not_trained)", "pass"),
        ("self.gibbs_steps, samplers.fold_in(seed, -1 - index)", "self.gibbs_steps, seed"),
        ("self.gibbs_steps, samplers.fold_in(seed", "1, samplers.fold_in(seed"),
        ("self._apply(zero_unless(is_finite, gradients))", "self._apply(gradients)"),
        ("self._moving_average.update(self.num_updates)", "pass"),
        ("tf.reduce_sum(coupling**2)", "tf.reduce_sum(coupling)"),
        ("self._loss_metric.update_state(-log_prob)", "self._loss_metric.update_state(log_prob)"),
        (
            "own, gradients = gradients[: len(group)], gradients[len(group) :]",
            "own = gradients[: len(group)]",
        ),
        ("with seed_scope(seed), observed_values()", "with observed_values()"),
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
        ("for ref in own if ref not in inside}", "for ref in own}"),
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
    "trained_variables": [
        ("model.log_prob(_examples(model))", "pass"),
        ("keys = _keys(frozen)\n", "keys = set()\n"),
        ("known = _keys(variables) | _keys(frozen)", "known = _keys(variables)"),
        ("frozen = [*frozen, *_frozen_by_keras(model)]", "frozen = [*frozen]"),
        ("    if not variables:", "    if False:"),
    ],
    "pairs": [
        ("if len(condition) != len(array):", "if False:"),
        ("if len(condition) != len(events(batch)):", "if False:"),
        ("if not np.isfinite(condition).all():", "if False:"),
        ("return checks.labels(condition, num_classes).numpy()", "return condition"),
    ],
    "conditional_likelihood_model": [
        (
            "self.conditional(condition).log_prob(x)",
            "self.conditional(condition[::-1]).log_prob(x)",
        ),
        (
            "    def _last_part(self, x):\n        return x",
            "    def _other(self, x):\n        return x",
        ),
    ],
    "semi_supervised_model": [
        (
            "tf.where(labels < 0, log_prob, weight * log_prob)",
            "tf.where(labels < 0, weight * log_prob, log_prob)",
        ),
        ("            if training:\n", "            if not training:\n"),
        ("self._reader.cast(data[0]), data[1]", "self._reader.cast(data[0]), 0 * data[1]"),
    ],
}
