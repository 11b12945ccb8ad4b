import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citygap.model.errors import CityGapError
from citygap.model.gap import GAP_COLUMNS
from citygap.store import gaps
from citygap.store.where import parse_where


@pytest.fixture
def filled(bench):
    bench.run(
        [
            bench.finding("H1", severity="high", class_code="RQ", measured=5.0),
            bench.finding("H2", severity="low", class_code="JS", measured=1.5),
            bench.finding("O'Hara", severity="info", class_code=None, measured=-2.0),
        ]
    )
    return bench.store


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", ["H1", "H2", "O'Hara"]),
        ("  ", ["H1", "H2", "O'Hara"]),
        ("severity = 'high'", ["H1"]),
        ("SEVERITY != 'high'", ["H2", "O'Hara"]),
        ("severity <> 'high' and not class_code = 'JS'", []),
        ("class_code is null", ["O'Hara"]),
        ("class_code IS NOT NULL", ["H1", "H2"]),
        ("class_code IN ('RQ', 'JS')", ["H1", "H2"]),
        ("class_code not in ('RQ')", ["H2"]),
        ("object_id LIKE 'H%'", ["H1", "H2"]),
        ("object_id NOT LIKE 'H%'", ["O'Hara"]),
        ("object_id = 'O''Hara'", ["O'Hara"]),
        ("measured > 1.5", ["H1"]),
        ("measured>=+1.5 AND measured<1e1", ["H1", "H2"]),
        ("measured = -2", ["O'Hara"]),
        ("severity='low' OR severity='high' AND measured < 0", ["H2"]),
        ("(severity='low' OR severity='high') AND measured > 2", ["H1"]),
        ("NOT (NOT (severity = 'low'))", ["H2"]),
        ("notes = 0 AND photos <= 99999999999999999999999", ["H1", "H2", "O'Hara"]),
    ],
)
def test_a_filter_finds_what_it_says(filled, where, found):
    assert [gap["object_id"] for gap in gaps.read_gaps(filled, where)] == found


@pytest.mark.parametrize(
    ("where", "near"),
    [
        ("title = 'x'", "title"),
        ("fid = 1", "fid"),
        ("key = 'x'", "key"),
        ("severity", "at the end"),
        ("severity =", "at the end"),
        ("severity = high", "high"),
        ("severity = 'high", "'high"),
        ('severity = "high"', '"high'),
        ("severity == 'high'", "= 'high'"),
        ("severity = 'high' severity", "severity"),
        ("severity = 'high';", ";"),
        ("severity = 'high' -- x", "-- x"),
        ("severity = 'high' /* x */", "/*"),
        ("severity = 'high' UNION SELECT 1", "UNION"),
        ("(severity = 'high'", "at the end"),
        ("severity = 'high')", ")"),
        ("severity IN ()", ")"),
        ("severity IN (SELECT 1)", "SELECT"),
        ("severity IS 'high'", "'high'"),
        ("severity NOT = 'x'", "= 'x'"),
        ("measured = 1..2", "1..2"),
        ("measured = 0x10", "0x10"),
        ("measured = ?", "?"),
        ("measured = :a", ":a"),
        ("1 = 1", "1 = 1"),
        ("'a' = 'a'", "'a'"),
        ("load_extension('x') = 1", "load"),
        ("severity || 'x' = 'y'", "||"),
        ("NOT", "at the end"),
        ("and", "and"),
        ("notes = 1 AND \ud800 = 1", ""),
        ("(" * 5000, "("),
        ("NOT " * 4000 + "notes = 1", "NOT"),
        (" AND ".join(["notes = 1"] * 500), ""),
        ("notes = 1 " + " " * 30000, ""),
    ],
)
def test_anything_else_is_refused_and_the_place_named(where, near):
    with pytest.raises(CityGapError) as caught:
        parse_where(where)
    assert caught.value.code == "bad_where"
    assert near in caught.value.message


NASTY = st.text(max_size=30) | st.sampled_from(
    ["'; DROP TABLE gaps; --", "' OR '1'='1", "%_%", "\\", "\0", "x' UNION SELECT * FROM meta --", "𠮷😀"]
)
VALUES = NASTY.map(lambda text: "'" + text.replace("'", "''") + "'") | st.floats(
    allow_nan=False, allow_infinity=False
).map(repr)
KEYWORDS = ("AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL", "=", "!=", "<>", "<", "<=", ">", ">=", "?")
COLUMNS = st.sampled_from(GAP_COLUMNS)
CONDITIONS = st.one_of(
    st.tuples(
        COLUMNS, st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "not like"]), VALUES
    ).map(" ".join),
    st.tuples(COLUMNS, st.sampled_from(["IS NULL", "is not null"])).map(" ".join),
    st.tuples(COLUMNS, st.lists(VALUES, min_size=1, max_size=3)).map(
        lambda t: f"{t[0]} IN ({', '.join(t[1])})"
    ),
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"NOT ({text})"),
        st.tuples(inner, st.sampled_from([" AND ", " or "]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
    ),
    max_leaves=6,
)


def _table():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE gaps (" + ", ".join(f'"{name}" TEXT' for name in GAP_COLUMNS) + ")")
    connection.execute("INSERT INTO gaps (gap_id) VALUES ('g')")
    return connection


@settings(max_examples=150, deadline=None)
@given(FILTERS)
def test_whatever_can_be_written_runs_with_its_values_as_parameters_only(where):
    sql, params = parse_where(where)
    assert "'" not in sql
    assert sql.count("?") == len(params)
    words = set(sql.replace("(", " ").replace(")", " ").replace(",", " ").replace('"', " ").split())
    assert words <= {*GAP_COLUMNS, *KEYWORDS}
    connection = _table()
    try:
        connection.execute(f"SELECT gap_id FROM gaps WHERE {sql}", params).fetchall()
        assert connection.execute("SELECT count(*) FROM gaps").fetchone() == (1,)
    finally:
        connection.close()


@settings(max_examples=150, deadline=None)
@given(NASTY)
def test_a_quoted_text_is_the_text_itself(text):
    sql, params = parse_where("text = '" + text.replace("'", "''") + "'")
    assert (sql, params) == ('"text" = ?', [text])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="severity='()<>!, ANDORNOTINLIKE019.-", max_size=60))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        sql, params = parse_where(text)
    except CityGapError as error:
        assert error.code == "bad_where"
    else:
        assert sql.count("?") == len(params)
