"""Any text comes back as it was, or is named."""

import pytest

from citygap.reports.tables import read_table, write_table
from citygap.reports.texts import fit, guarded, known_encoding, newline_mark, one_line, unguarded

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is in the worker's venv only")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

ANY = st.text(st.characters(exclude_categories=[]), max_size=400)
SETTINGS = settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(ANY, st.sampled_from(["UTF-8", "GBK", "GB18030"]))
def test_a_fitted_text_is_whole_or_a_prefix_that_uses_the_room(text, encoding):
    try:
        held = fit(text, encoding)
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            text.encode(encoding)
        return
    size = len(held.encode(encoding))
    assert size <= 254
    if held != text:
        assert held[-1] == "…"
        assert text.startswith(held[:-1])
        next_one = text[len(held) - 1]
        assert size + len(next_one.encode(encoding)) > 254


@SETTINGS
@given(st.text(max_size=60), st.sampled_from(["UTF-8", "GBK"]))
def test_one_line_keeps_every_visible_character(text, encoding):
    mark = newline_mark(encoding)
    line = one_line(text, mark)
    assert line == line.strip()
    assert not any(character in line for character in "\n\r\t\0\v\f\x85\u2028\u2029")
    assert one_line(line, mark) == line
    visible = [character for character in text if character.isprintable() and character not in " ⏎|"]
    assert [character for character in line if character.isprintable() and character not in " ⏎|"] == visible


@SETTINGS
@given(ANY)
def test_the_mark_against_formulas_comes_off_again(text):
    cell = guarded(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(cell) == text


@SETTINGS
@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_table_reads_back(tmp_path, rows):
    meant = write_table(tmp_path / "t.csv", ("gap_id", "text"), rows)
    names, read = read_table(tmp_path / "t.csv")
    assert names == ["gap_id", "text"]
    assert read == meant == [list(row) for row in rows]


@settings(SETTINGS, max_examples=25)
@given(texts=st.lists(st.text(st.characters(exclude_categories=[]), max_size=120), min_size=1, max_size=8))
def test_any_text_round_trips_or_is_listed(tmp_path_factory, gap, engine_name, texts):
    from citygap.model.errors import CityGapError
    from citygap.reports.report import write_report

    folder = tmp_path_factory.mktemp("fuzz")
    gaps = [gap(text=text, body=text) for text in texts]
    options = {"crs_wkt": "", "epsg": 4549, "photo_folder": folder / "none", "engine_name": engine_name}
    try:
        report = write_report(gaps, [], folder / "r", **options)
    except CityGapError as error:
        assert error.code == "bad_encoding"
        assert any("\ud800" <= character <= "\udfff" for text in texts for character in text)
        return
    assert report["read_back"]["equal"], report["read_back"]["differences"]
    listed = {(row[0], row[1]): row[7] for row in read_table(folder / "r" / "gap_notes.csv")[1]}
    from citygap.reports.writer import engine

    read = engine(engine_name).read(folder / "r" / "gap_report_pt.shp").columns
    for place, text in enumerate(texts):
        for name in ("text", "body"):
            held = read[name][place] or ""
            assert held == text or listed[gaps[place]["gap_id"], name] == text


@pytest.mark.parametrize(("given", "wanted"), [("utf8", "UTF-8"), (" gbk ", "GBK"), ("cp936", "GBK")])
def test_encodings_by_their_usual_names(given, wanted):
    assert known_encoding(given) == wanted
