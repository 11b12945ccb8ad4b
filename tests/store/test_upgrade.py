"""A store of the first schema is brought to this one, and nothing in it is lost."""

import pytest

from citygap.model.catalogue import catalogue
from citygap.store import database, events, gaps, rules

NEW_TABLES = ("ledger_cells", "ledger_classes", "ledger_seen")
NEW_COLUMNS = ("is_on", "false_alarm_zh", "false_alarm_en", "mend_zh", "mend_en")


@pytest.fixture
def old(store, bench):
    """A store with one gap, made as the first schema had it."""
    bench.run(["H1"])
    connection = store.connection
    connection.execute("DROP TRIGGER event_rule_update")
    connection.execute("DROP TRIGGER event_standard_update")
    connection.execute("CREATE TRIGGER event_standard_update AFTER UPDATE ON standards BEGIN SELECT 1; END")
    connection.execute("DROP VIEW ledger")
    for table in NEW_TABLES:
        connection.execute(f"DROP TABLE {table}")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = ?", (table,))
    kept = [
        f'"{row[1]}"' for row in connection.execute("PRAGMA table_info(rules)") if row[1] not in NEW_COLUMNS
    ]
    connection.execute(f"CREATE TABLE first AS SELECT {', '.join(kept)} FROM rules")
    connection.execute("DROP TABLE rules")
    connection.execute(
        "CREATE TABLE rules (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, rule_id TEXT NOT NULL UNIQUE,"
        ' identifier TEXT NOT NULL, "group" TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,'
        " detects_zh TEXT NOT NULL, detects_en TEXT NOT NULL, why_zh TEXT NOT NULL, why_en TEXT NOT NULL,"
        " unit TEXT NOT NULL)"
    )
    connection.execute(f"INSERT INTO rules ({', '.join(kept)}) SELECT {', '.join(kept)} FROM first")
    connection.execute("DROP TABLE first")
    connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    store.close()
    return store.path


def test_it_gets_what_lacks_and_keeps_what_it_has(old):
    with database.open_store(old) as store:
        assert store.meta["schema"] == str(database.SCHEMA)
        assert events.verify(store) == []
        assert [gap["object_id"] for gap in gaps.read_gaps(store)] == ["H1"]
        rows = store.connection.execute("SELECT rule_id, mend_en, is_on FROM rules").fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            name: (rule.mend_en, 1) for name, rule in catalogue().items()
        }
        assert store.connection.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
        listed = {row[0] for row in store.connection.execute("SELECT table_name FROM gpkg_contents")}
        assert {*NEW_TABLES, "ledger", "gaps"} <= listed
        assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert "action" not in store.meta
        rules.switch_rule(store, "N02", False)
        assert [event["table"] for event in events.history(store)][-1] == "rules"


def test_a_second_opening_changes_nothing(old):
    database.open_store(old).close()
    before = old.read_bytes()
    database.open_store(old).close()
    assert old.read_bytes() == before


def test_it_has_the_parts_of_a_new_store(old, new_store):
    query = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY 1, 2"
    with database.open_store(old) as store:
        assert (
            store.connection.execute(query).fetchall()
            == new_store("new.gpkg").connection.execute(query).fetchall()
        )
