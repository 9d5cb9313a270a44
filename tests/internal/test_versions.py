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
