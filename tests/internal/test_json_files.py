import pytest

from tfp_ebm.internal.json_files import read_json


def test_what_a_file_holds(tmp_path):
    (tmp_path / "a.json").write_text('{"b": [1, null]}')
    assert read_json(tmp_path / "a.json") == {"b": [1, None]}


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json is damaged: it is no JSON .*; restore it"):
        read_json(tmp_path / "a.json")
