import importlib.metadata
import importlib.util
import subprocess
import sys

import pytest

from tfp_ebm.internal import versions


def test_the_installed_partners_pass():
    assert versions.check_partners() is None


def test_a_missing_partner_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(versions, "_installed_version", lambda names: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs tensorflow 2.18, which is not .* pip install"):
        versions.check_partners()


def test_an_old_partner_is_named_with_its_remedy(monkeypatch):
    def version(name):
        return "0.24.0" if name == "tensorflow-probability" else "9.9"

    monkeypatch.setattr(importlib.metadata, "version", version)
    message = r"tensorflow-probability 0.25 or newer, found 0.24.0: pip install"
    with pytest.raises(ImportError, match=message):
        versions.check_partners()


@pytest.mark.slow
def test_import_adds_little_to_its_partners():
    code = (
        "import time, tensorflow, tensorflow_probability, tf_keras; start = time.perf_counter();"
        "import tfp_ebm; from tfp_ebm import bijectors, distributions, models, training;"
        "print(time.perf_counter() - start)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(result.stdout) < 1.0  # 0.1 s on an idle machine; a loaded one gets slack


def test_the_package_itself_loads_nothing_heavy():
    code = "import sys, tfp_ebm; print('tensorflow' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_stripped_docstrings_are_named_before_keras_stumbles_over_them():
    command = [sys.executable, "-OO", "-c", "import tfp_ebm"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr.splitlines()[-1].startswith("ImportError: tf-keras and TensorFlow")
    assert "`python -O`" in result.stderr


@pytest.mark.slow
def test_the_package_itself_needs_no_docstrings():
    code = """
import importlib, importlib.machinery, pkgutil, tensorflow_probability

class Stripped(importlib.machinery.SourceFileLoader):
    def get_code(self, name):
        path = self.get_filename(name)
        return compile(self.get_data(path), path, "exec", optimize=2)

    def exec_module(self, module):
        importlib.machinery.SourceFileLoader.exec_module(self, module)

def strip(find):
    def found(name, path=None, target=None):
        spec = find(name, path, target)
        if spec is not None and name.split(".")[0] == "tfp_ebm" and spec.origin:
            spec.loader = Stripped(name, spec.origin)
        return spec
    return found

importlib.machinery.PathFinder.find_spec = strip(importlib.machinery.PathFinder.find_spec)
import tfp_ebm
assert tfp_ebm.__doc__ is None
for module in pkgutil.walk_packages(tfp_ebm.__path__, "tfp_ebm."):
    if not module.name.endswith("__main__"):
        loaded = importlib.import_module(module.name)
        assert loaded.__doc__ is None, module.name
        [getattr(loaded, name) for name in getattr(loaded, "__all__", ())]
from tfp_ebm import models, runs
for name in models.names():
    runs.models(name)
print(models.build(models.named_spec("glow", models.DataSpec((4, 4, 1), 4))).event_shape)
"""
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.endswith("(4, 4, 1)\n"), result.stderr[-2000:]
