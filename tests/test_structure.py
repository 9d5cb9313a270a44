"""The shape of the code: who imports whom, how long files are, what is documented."""

import ast
import itertools
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, distributions, networks

ROOT = pathlib.Path(__file__).parents[1] / "tfp_ebm"
MODULES = sorted(ROOT.rglob("*.py"))
# Each package may import those in its set, besides itself and `internal`.
ALLOWED = {
    "internal": set(),
    "version": set(),
    "networks": set(),
    "bijectors": set(),
    "machines": set(),
    "mcmc": {"machines"},
    "datasets": set(),
    "plots": set(),
    "metrics": set(),
    "partition": {"machines", "mcmc"},
    "wrappers": set(),
    "integers": set(),
    "distributions": {"integers", "machines", "mcmc", "partition", "wrappers"},
    "testing": {"bijectors", "distributions"},
    "flows": {"bijectors", "networks"},
    "conditionals": {"bijectors", "distributions", "flows", "networks"},
    "models": {
        *("bijectors", "conditionals", "distributions", "flows", "mcmc", "networks"),
        *("partition", "wrappers"),
    },
    "training": {
        *("datasets", "models", "distributions", "metrics", "mcmc", "partition", "plots"),
        "wrappers",
    },
    "coding": {"distributions", "models", "wrappers"},
    "runs": {
        *("bijectors", "coding", "datasets", "distributions", "flows", "metrics", "models"),
        *("partition", "plots", "training", "version", "wrappers"),
    },
    "cli": {"runs", "version"},
}


def package_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from ([f"{node.module}.{alias.name}" for alias in node.names])
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def identify(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_imports_go_one_way(path):
    package = package_of(path)
    if package == "__init__":
        return
    allowed = ALLOWED[package] | {package, "internal"}
    for name in imported_names(path):
        parts = name.split(".")
        if parts[0] == "tfp_ebm" and len(parts) > 1:
            assert parts[1] in allowed, f"{package} must not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_private_partners_are_imported_in_one_place(path):
    for name in imported_names(path):
        if identify(path) != "internal/keras.py":
            assert name.split(".")[0] not in ("tf_keras", "keras")
        if identify(path) != "internal/tfp_private.py":
            assert not name.startswith("tensorflow_probability.python")
        if identify(path) != "internal/tf_private.py":
            assert not name.startswith("tensorflow.python")


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_modules_are_short_documented_and_say_what_they_export(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) < 350
    assert ast.get_docstring(tree)
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert "__all__" in assigned or identify(path) == "internal/__init__.py"
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, f"library code raises errors instead of asserting: lines {asserts}"


@pytest.mark.parametrize("path", MODULES, ids=identify)
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            body = [
                part
                for part in node.body
                if not isinstance(getattr(part, "value", None), ast.Constant)
            ]
            if body:
                assert body[-1].end_lineno - body[0].lineno < 65, f"{node.name} is long"


def affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfp.bijectors.Shift(shift)(tfp.bijectors.Scale(log_scale=log_scale))


@pytest.mark.slow
def test_a_density_goes_back_and_forth_between_few_packages():
    couplings = [
        bijectors.Coupling(
            bijectors.ChannelSplit(swap=bool(step % 2), event_rank=1),
            affine,
            networks.MLP(3, 6, [8]),
        )
        for step in range(3)
    ]
    flow = tfp.bijectors.Invert(tfp.bijectors.Chain(couplings))
    base = distributions.SmoothedRBM.create(3, 3)
    model = tfp.distributions.TransformedDistribution(base, flow)
    points = np.zeros([4, 6], np.float32)
    model.log_prob(points)
    visited = []

    def note(frame, event, argument):
        path = pathlib.Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            visited.append(package_of(path))

    sys.setprofile(note)
    try:
        model.log_prob(points)
    finally:
        sys.setprofile(None)
    switches = sum(one != other for one, other in itertools.pairwise(visited))
    assert 0 < switches <= 25 and len(visited) < 200


def hints(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            yield from (a.annotation for a in [*arguments, node.args.vararg, node.args.kwarg] if a)
            yield node.returns
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation


def test_few_hints_are_any():
    found = [
        ast.unparse(hint)
        for path in MODULES
        for hint in hints(ast.parse(path.read_text()))
        if hint is not None
    ]
    assert found.count("Any") <= 0.03 * len(found)


def test_distributions_are_few_files():
    assert len(list((ROOT / "distributions").glob("*.py"))) <= 14
