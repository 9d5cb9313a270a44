import pickle

import pytest

from tfp_ebm.metrics.legacy_checkpoint import read_legacy_checkpoint


class Dangerous:
    def __reduce__(self):
        return (print, ("code from the file ran",))


@pytest.mark.parametrize(
    "content",
    [
        b"no pickle",
        pickle.dumps(7, 2),
        pickle.dumps(0x1950A86A20F9469CFC6C, 2),
        pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        + 2 * pickle.dumps({}, 2)
        + pickle.dumps({"a": Dangerous()}, 2),
    ],
)
def test_other_files_are_refused_and_run_no_code(content, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pth is no whole legacy checkpoint"):
        read_legacy_checkpoint(path)
    assert capsys.readouterr().out == ""
