"""Faults of the library of run folders."""

TESTS = {"initial_weights": "train", "saving": "saving", "encode": "encode", "sample": "run_folder"}

FAULTS = {
    "sole_use": [
        ("fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass"),
        ("        os.close(descriptor)", "        pass"),
    ],
    "configuration": [
        ('options = {"dropout_rate": _USUAL_DROPOUT, **options}', "pass"),
        ("    if is_free:\n", "    if True:\n"),
        ("str.rpartition", "str.partition"),
        ('if value is not None and name != "strategy"', "if value is not None"),
        ("_check_images(model, data, dataset)", "pass"),
    ],
    "evaluate": [
        ('result["nats_per_event"] + shift', 'result["nats_per_event"] - shift'),
        ("if data.train_labels is None:", "if False:"),
        ('"one-draw bound" if is_bound else estimated', '"one-draw bound"'),
        ("(2 * len(pairs))", "len(pairs)"),
        ("fold_in(seed, 1)", "fold_in(seed, 0)"),
        ('if estimated != "exact":', "if False:"),
    ],
    "initial_weights": [
        (
            "if not is_same_space or getattr(spec, name) != getattr(other, name):",
            "if not is_same_space:",
        ),
        ("mine.assign(value)", "pass"),
        ("if not taken:", "if False:"),
    ],
    "run_folder": [
        ("if (described.event_shape, described.num_levels) != expected:", "if False:"),
        ("written_by != __version__", "written_by == __version__"),
    ],
    "encode": [
        ("x, seed).mode(), tf.int8)", "x, seed).mean(), tf.int8)"),
        ('content[f"{part}_labels"] = labels', 'content[f"{part}_labels"] = labels[::-1]'),
    ],
    "saving": [
        ('checkpoint.restore(inside(model), folder / "checkpoint")', "pass"),
        ("and any(folder.iterdir()):", "and False:"),
    ],
}
