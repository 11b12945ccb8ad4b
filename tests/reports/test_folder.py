"""Nothing is lost when a report takes the place of another."""

import errno
from pathlib import Path

import pytest

from citygap.model.errors import CityGapError
from citygap.reports.folder import MARK, beside


def put(out, word):
    with beside(out) as folder:
        (folder / MARK).write_text(word)


def test_earlier_reports_move_one_number_on(tmp_path):
    out = tmp_path / "报告 1"
    for word in "abcd":
        put(out, word)
    kept = {path.name: (path / MARK).read_text() for path in tmp_path.iterdir()}
    assert kept == {"报告 1": "d", "报告 1.1": "c", "报告 1.2": "b", "报告 1.3": "a"}


def test_a_number_that_is_free_stops_the_shift(tmp_path):
    out = tmp_path / "r"
    for word in "abc":
        put(out, word)
    (tmp_path / "r.1").rename(tmp_path / "mine")
    put(out, "d")
    kept = {path.name: (path / MARK).read_text() for path in tmp_path.iterdir()}
    assert kept == {"r": "d", "r.1": "c", "mine": "b", "r.2": "a"}


def test_a_folder_that_cannot_move_leaves_all_as_it_was(tmp_path, monkeypatch):
    out = tmp_path / "r"
    put(out, "a")
    put(out, "b")
    honest = Path.rename

    def locked(self, target):
        if self == out:
            raise PermissionError(errno.EACCES, "in use", str(self))
        return honest(self, target)

    monkeypatch.setattr(Path, "rename", locked)
    with pytest.raises(CityGapError) as caught:
        put(out, "c")
    assert caught.value.code == "folder_in_use"
    assert str(out) in caught.value.line()
    kept = {path.name: (path / MARK).read_text() for path in tmp_path.iterdir()}
    assert kept == {"r": "b", "r.1": "a"}


def test_somebody_elses_folder_is_never_moved(tmp_path):
    (tmp_path / "文件").mkdir()
    (tmp_path / "文件" / "论文.docx").write_text("x")
    for out in (tmp_path / "文件", tmp_path / "文件" / "论文.docx", Path(tmp_path.anchor)):
        with pytest.raises(CityGapError) as caught:
            put(out, "a")
        assert caught.value.code == "out_taken"
    assert (tmp_path / "文件" / "论文.docx").read_text() == "x"


def test_an_earlier_report_that_holds_the_store_stays(tmp_path):
    out = tmp_path / "r"
    put(out, "a")
    (out / "city.gpkg").write_text("store")
    with pytest.raises(CityGapError, match=r"city\.gpkg"), beside(out, [out / "city.gpkg"]):
        pytest.fail("not refused")
    assert (out / "city.gpkg").exists()


def test_an_empty_folder_is_simply_taken(tmp_path):
    (tmp_path / "r").mkdir()
    put(tmp_path / "r", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), beside(tmp_path / "new" / "r") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not (tmp_path / "new" / "r").exists()
    assert not list((tmp_path / "new").iterdir())
