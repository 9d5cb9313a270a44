import sys
import types

import pytest

from tfp_ebm.internal import versions


def test_the_installed_partners_pass():
    assert versions.check_partners() is None


def test_a_missing_partner_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    with pytest.raises(ImportError, match=r"needs tf-keras 2.21, which cannot .* pip install"):
        versions.check_partners()


def test_an_old_partner_is_named_with_its_remedy(monkeypatch):
    old = types.ModuleType("tensorflow_probability")
    old.__version__ = "0.24.0"
    monkeypatch.setitem(sys.modules, "tensorflow_probability", old)
    message = r"tensorflow-probability 0.25 or newer, found 0.24.0: pip install"
    with pytest.raises(ImportError, match=message):
        versions.check_partners()
