"""Random sequences of runs and of people's words against a plain model of what the store must say."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from citygap.model.gap import RuleRun
from citygap.store import database, gaps, lifecycle, merge

OBJECTS = [f"H{number}" for number in range(6)]
FOUND = st.sets(st.sampled_from(OBJECTS))
PLACE = {name: 350000.0 + 1000 * number for number, name in enumerate(OBJECTS)}
SETTABLE = ("open", "confirmed", "assigned", "fixed", "accepted", "false_alarm")
RAN_ON_NOTHING = [RuleRun("D01", "run", roles=())]


class Model:
    """What is known of one gap: found now or gone, its status, its text."""

    def __init__(self):
        self.there = True
        self.status = "open"
        self.text = None

    def seen(self):
        if not self.there and self.status == "verified":
            self.status = "reopened"
        self.there = True

    def gone(self):
        if self.there and self.status not in ("accepted", "false_alarm"):
            self.status = "verified"
        self.there = False


class Merges(RuleBasedStateMachine):
    bench_for = None
    """Makes the bench of a store; set by the test from its fixture."""

    @initialize()
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = database.create_store(
            Path(self.folder.name) / "s.gpkg",
            crs_name="EPSG:4549",
            srs_id=4549,
            crs_wkt="LOCAL_CS[]",
            tz="Asia/Shanghai",
        )
        self.store.connection.execute("PRAGMA synchronous = OFF")
        self.bench = type(self).bench_for(self.store)
        self.model = {}
        self.ids = {}

    def _run(self, found, looks_at, **words):
        rows = [self.bench.finding(name, x=PLACE[name]) for name in sorted(found)]
        before = {name: gap.there for name, gap in self.model.items()}
        counts = self.bench.run(rows, as_of="2026-11-01", **words)["D01"]
        expected = dict.fromkeys(merge.COUNTS, 0)
        for name in OBJECTS:
            if name in found:
                state = "new" if name not in before else "persisting" if before[name] else "returned"
                expected[state] += 1
                expected["found"] += 1
                self.model.setdefault(name, Model()).seen()
            elif name in looks_at and before.get(name):
                expected["gone"] += 1
                self.model[name].gone()
        assert counts == expected

    @rule(found=FOUND)
    def whole_city(self, found):
        self._run(found, OBJECTS)

    @rule(found=FOUND, window=FOUND)
    def window(self, found, window):
        owned = {PLACE[name] + 5 for name in window}
        self._run(found & window, window, in_window=lambda x, y: x in owned)

    @rule(found=FOUND)
    def older_source(self, found):
        self._run(found, [], sources=[self.bench.source(dated="2025-01-01")])
        self._run(found, [], sources=[self.bench.source(dated="2026-01-01")], rules=RAN_ON_NOTHING)

    @rule()
    def not_run(self):
        self._run([], [], rules=[RuleRun("D01", "not_run", "missing_input", "x", ("housing",))])

    @rule()
    def other_source(self):
        self._run([], [], sources=[self.bench.source("elsewhere")])

    @rule(name=st.sampled_from(OBJECTS), status=st.sampled_from(SETTABLE))
    def person_sets(self, name, status):
        if name in self.model:
            lifecycle.set_status(self.store, self.ids[name], status, until="2999-01-01", why="w", author="li")
            self.model[name].status = status

    @rule(name=st.sampled_from(OBJECTS), text=st.text(max_size=5))
    def person_writes(self, name, text):
        if name in self.model:
            text = text.replace("\0", "")
            self.store.connection.execute("UPDATE gaps SET text = ? WHERE gap_id = ?", (text, self.ids[name]))
            self.model[name].text = text

    @invariant()
    def store_says_what_the_model_says(self):
        if not hasattr(self, "store"):
            return
        stored = {gap["object_id"]: gap for gap in gaps.read_gaps(self.store)}
        assert gaps.count_by(self.store) == [(len(stored),)]
        assert stored.keys() == self.model.keys()
        for name, gap in stored.items():
            assert self.ids.setdefault(name, gap["gap_id"]) == gap["gap_id"]
            told = (gap["run_state"] != "gone", gap["status"], gap["text"])
            assert told == (self.model[name].there, self.model[name].status, self.model[name].text)
        index = self.store.connection.execute("SELECT count(*) FROM rtree_gaps_geometry").fetchone()
        assert index == (len(stored),)

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


def test_laws_of_merging(bench_for):
    Merges.bench_for = bench_for
    found = Merges.TestCase
    found.settings = settings(
        max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    found().runTest()
