import hashlib
from datetime import datetime, timedelta

import pytest

from citygap.model.errors import CityGapError
from citygap.store import flags, gaps, lifecycle, notes
from citygap.store.photos import photo_file


@pytest.fixture
def flagged(store, bench):
    return [
        flags.flag(store, severity="low", text="x", wkb=bench.point(float(i), 0.0), author="li")
        for i in (1, 2)
    ]


def _counts(store, gap_id):
    gap = gaps.read_gap(store, gap_id)
    return gap["notes"], gap["photos"]


def test_a_note_on_two_gaps_with_photos(store, flagged, photo):
    pictures = [photo("a.JPG", b"one"), photo("b.jpg", b"two")]
    note_id = notes.add_note(
        store,
        flagged,
        text="看过了",
        at="2026-11-20T09:30:00+08:00",
        author="wang",
        result="ok",
        photos=pictures,
        weather="rain",
        private=True,
    )
    (note,) = notes.read_notes(store, flagged[1])
    assert note["note_id"] == note_id
    assert note["gap_ids"] == flagged
    assert (note["at"], note["author"], note["text"]) == ("2026-11-20T09:30:00+08:00", "wang", "看过了")
    assert (note["result"], note["weather"], note["private"]) == ("ok", "rain", True)
    assert note["entered_at"] > note["at"]
    assert [p["name"] for p in note["photos"]] == ["a.JPG", "b.jpg"]
    for entry, picture in zip(note["photos"], pictures):
        digest = hashlib.sha256(picture.read_bytes()).hexdigest()
        assert (entry["sha256"], entry["path"]) == (digest, f"{digest[:2]}/{digest}.jpg")
        assert photo_file(store, entry["path"]).read_bytes() == picture.read_bytes()
    assert _counts(store, flagged[0]) == _counts(store, flagged[1]) == (1, 2)


def test_counts_follow_whatever_client_writes(store, flagged, photo):
    first = notes.add_note(store, flagged[:1], text="1", photos=[photo()])
    second = notes.add_note(store, flagged, text="2")
    assert _counts(store, flagged[0]) == (2, 1)
    sql = store.connection.execute
    sql("INSERT INTO photos (note_id, path) VALUES (?, 'x.jpg')", (second,))
    assert _counts(store, flagged[1]) == (1, 1)
    sql("UPDATE photos SET note_id = ? WHERE note_id = ?", (first, second))
    assert (_counts(store, flagged[0]), _counts(store, flagged[1])) == ((2, 2), (1, 0))
    sql("UPDATE note_gaps SET gap_id = ? WHERE note_id = ?", (flagged[1], first))
    assert (_counts(store, flagged[0]), _counts(store, flagged[1])) == ((1, 0), (2, 2))
    sql("DELETE FROM notes WHERE note_id = ?", (first,))
    assert (_counts(store, flagged[0]), _counts(store, flagged[1])) == ((1, 0), (1, 0))
    assert sql("SELECT count(*) FROM photos").fetchone() == (0,)


def test_the_same_photo_twice_is_kept_once_and_shared(store, flagged, photo):
    one, same = photo("a.jpg", b"same"), photo("b.jpg", b"same")
    notes.add_note(store, flagged[:1], text="1", photos=[one, same])
    notes.add_note(store, flagged[1:], text="2", photos=[same])
    assert _counts(store, flagged[0]) == _counts(store, flagged[1]) == (1, 1)
    assert len([f for f in store.photo_folder.rglob("*") if f.is_file()]) == 1


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 8, ".png"),
        (b"\0\0\0\x18ftypheic" + b"x" * 8, ".heic"),
        (b"RIFF\0\0\0\0WEBPVP8 ", ".webp"),
        (b"II*\0" + b"x" * 8, ".tif"),
        (b"MM\0*" + b"x" * 8, ".tif"),
        (b"GIF89a" + b"x" * 8, ".gif"),
    ],
)
def test_a_photo_is_known_by_its_first_bytes(store, flagged, tmp_path, head, suffix):
    path = tmp_path / "anything.dat"
    path.write_bytes(head)
    notes.add_note(store, flagged, text="x", photos=[path])
    (note,) = notes.read_notes(store)
    assert note["photos"][0]["path"].endswith(suffix)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 not a photo", b"RIFF\0\0\0\0WAVEfmt ", None])
def test_a_bad_photo_writes_nothing(store, flagged, photo, tmp_path, content):
    bad = tmp_path / "bad.jpg"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(CityGapError) as caught:
        notes.add_note(store, flagged, text="x", photos=[photo(), bad])
    assert (caught.value.code, caught.value.file) == ("bad_photo", str(bad))
    assert notes.read_notes(store) == []
    assert not store.photo_folder.exists()


def test_a_note_that_can_not_be_written_leaves_no_photo(store, flagged, photo):
    store.connection.execute(
        "CREATE TEMP TRIGGER refuse BEFORE INSERT ON photos BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(Exception, match="no"):
        notes.add_note(store, flagged, text="x", photos=[photo()])
    assert notes.read_notes(store) == []
    assert [f for f in store.photo_folder.rglob("*") if f.is_file()] == []


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "ab/../../x.jpg", ".", ""])
def test_the_path_of_a_photo_stays_in_its_folder(store, path):
    with pytest.raises(CityGapError) as caught:
        photo_file(store, path)
    assert caught.value.code == "bad_photo"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"gap_ids": "nobody"}, "no_gap"),
        ({"gap_ids": []}, "no_gap"),
        ({"at": "yesterday"}, "bad_time"),
        ({"at": ""}, "bad_time"),
        ({"result": "fine"}, "bad_result"),
    ],
)
def test_what_no_note_can_be(store, flagged, words, code):
    with pytest.raises(CityGapError) as caught:
        notes.add_note(store, **{"gap_ids": flagged, "text": "x", **words})
    assert caught.value.code == code
    assert notes.read_notes(store) == []


@pytest.mark.parametrize(
    ("at", "stored"),
    [
        ("2026-11-20", "2026-11-20T23:59:59+08:00"),
        ("2026-11-20T09:00", "2026-11-20T09:00:00+08:00"),
        ("2026-11-20T01:00:00Z", "2026-11-20T01:00:00+00:00"),
    ],
)
def test_times_are_stored_with_their_zone(store, flagged, at, stored):
    notes.add_note(store, flagged, text="x", at=at)
    assert notes.read_notes(store)[0]["at"] == stored


# ---------------------------------------------------------------- proof of a planner's flag


def _after_note(store, gap_id, fixer, author, result="verified"):
    lifecycle.set_status(store, gap_id, "fixed", author=fixer)
    notes.add_note(store, [gap_id], text="x", author=author, result=result)
    return gaps.read_gap(store, gap_id)["status"]


def test_another_person_verifies_a_fixed_flag(store, flagged):
    assert _after_note(store, flagged[0], "li", "wang") == "verified"


@pytest.mark.parametrize(
    ("fixer", "author", "result"),
    [("li", "li", "verified"), ("li", "", "verified"), ("", "wang", "verified"), ("li", "wang", "ok")],
)
def test_nothing_less_verifies_a_flag(store, flagged, fixer, author, result):
    assert _after_note(store, flagged[0], fixer, author, result) == "fixed"


def test_a_note_does_not_verify_what_is_not_fixed_or_not_a_flag(store, bench, flagged):
    notes.add_note(store, flagged[0], text="x", author="wang", result="verified")
    assert gaps.read_gap(store, flagged[0])["status"] == "open"
    bench.run(["H1"])
    assert _after_note(store, bench.id_of("H1"), "li", "wang") == "fixed"


def test_a_note_may_be_of_today_but_not_of_a_later_day(store, bench):
    bench.run(["H1"])
    today = datetime.now(store.zone).date()
    for day in (today, today - timedelta(days=1)):
        notes.add_note(store, bench.id_of("H1"), text="x", at=day.isoformat())
    with pytest.raises(CityGapError) as error:
        notes.add_note(store, bench.id_of("H1"), text="x", at=(today + timedelta(days=1)).isoformat())
    assert error.value.code == "bad_time"
    assert len(notes.read_notes(store)) == 2
