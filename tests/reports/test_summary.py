"""What was lost is said in words."""

import pytest

from citygap.reports.summary import loss_lines
from citygap.reports.words import read_words


def test_every_loss_is_said(write, gap, note, wkb):
    gaps = [
        gap(text="长" * 300, measured=1.23456, due_at="下周", why="因为", wkb=wkb.point_z(1, 2, 3)),
        gap(text="一\n二", wkb=None),
        gap(gap_id="S01-BROKEN", wkb=b"\x01"),
    ]
    missing = {"path": "aa/gone.jpg", "sha256": "", "name": "x", "bytes": 1}
    notes = [note(gaps[0]["gap_id"], private=True), note(gaps[1]["gap_id"], photos=[missing])]
    report = write(gaps, notes)
    said = "\n".join(loss_lines(report, "en"))
    for words in (
        "3 gaps written: 1 points, 0 lines, 0 areas, 2 without a place",
        "1 texts shortened (text 1)",
        "1 numbers rounded",
        "1 times could not be read",
        "(why 1)",
        "heights dropped 1",
        "1 gaps can't be read; they are in gap_report_none.csv: S01-BROKEN",
        "1 private notes",
        "missing: aa/gone.jpg",
        "all as meant",
    ):
        assert words in said
    chinese = loss_lines(report, "zh")
    assert len(chinese) == len(said.splitlines())
    assert chinese[0] == "写出 3 个缺口：点 1，线 0，面 0，无位置 2（gap_report_none.csv）。"
    assert "去除高程 1" in "".join(chinese)


def test_without_losses_only_what_was_written_and_proved_is_said(write, gap):
    assert len(loss_lines(write([gap()]), "zh")) == 2


def test_differences_are_said():
    rows = {"rows": 1}
    files = {f"gap_report_{end}": rows for end in ("pt.shp", "ln.shp", "pg.shp", "none.csv")}
    proof = {"reader": "r", "values": 40, "equal": False, "differences_count": 3}
    from citygap.reports.losses import Losses

    report = {"gaps": 4, "files": files, "losses": Losses().as_dict(), "read_back": proof}
    assert loss_lines(report, "en")[-1].startswith("Read back by r: 3 of 40 values are not as meant")


@pytest.mark.parametrize("table", ["columns", "sentences"])
def test_every_word_has_both_languages(table):
    for row in read_words(table):
        assert all(value for key, value in row.items() if key.endswith(("zh", "en")))
    for row in read_words("sentences"):
        assert sorted(row["zh"].split("{")[1:]) is not None
        assert {part.split("}")[0] for part in row["zh"].split("{")[1:]} == {
            part.split("}")[0] for part in row["en"].split("{")[1:]
        }
