"""What rules read besides the tables: standards, units, grid and city-wide statistics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Optional, Protocol, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from ..model.errors import Cancelled
from ..model.identity import rule_of
from ..model.roles import OBJECT_LAYERS
from .areas import in_smallest_unit
from .city import City, usable
from .classes import YEAR_FIELD, is_home_use, of_class
from .conditions import Subject, fits, parse
from .connectors import is_connector
from .findings import no_findings, packed, unpacked
from .grid import Grid
from .memory import Memory, WatchedStandards, changed_names, give_back
from .plausibility import Failure, implausible, value_failures
from .processes import meanwhile, side_by_side
from .recorded_cells import recorded_cells
from .standards import Standard, Standards
from .statistic import NOWHERE, STATISTICS, Change, Statistic
from .texts import shared
from .units import Units, is_within_any
from .weights import cell_weights

if TYPE_CHECKING:
    from .rule import Rule

T = TypeVar("T")
U = TypeVar("U")
_POINT = 0
"""GEOS's type of a single point."""
DESIGN_LIFE = "design_working_life"
"""Column of an object, and parameter of the standards: years a structure is made for."""


def remembered(method: Callable[..., T]) -> Callable[..., T]:
    """A method of a Context that is computed once for each of its arguments."""

    @wraps(method)
    def recall(context: Context, *words: str) -> T:
        return context._memory.recall((method.__name__, *words), lambda: method(context, *words))

    return recall


class Known(Protocol):
    """What is known of the rows of a part of a city: they need not be judged again."""

    def subject(self, role: str) -> Subject:
        """As `Context.subject`."""

    def failures(self, role: str) -> tuple[Failure, ...]:
        """As `Context.value_failures`."""


class Context:
    """What is known of a city besides its tables, each part computed once when a rule first asks.

    Parameters
    ----------
    city : City
        The tables the rules look at: the whole city, or the part within a window.
    standards : Standards
        In force at the city's T.
    is_cancelled : callable
        Asked between chunks of work.
    whole : Context, optional
        Of the whole city, if `city` is a part of it: city-wide statistics come from there.
    dismissed : frozenset of str
        Keys of gaps that people called a false alarm or accepted: no rule builds on them.
    """

    def __init__(
        self,
        city: City,
        standards: Standards,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        whole: Optional[Context] = None,
        dismissed: frozenset[str] = frozenset(),
    ) -> None:
        self.city = city
        self._memory: Memory = Memory(above=whole._memory if whole else None)
        self.standards: Standards = whole.standards if whole else WatchedStandards(standards, self._memory)
        self.whole = whole or self
        self._dismissed = dismissed
        self.moved: frozenset[str] = frozenset()
        self.units: Units = whole.units if whole else Units(city)
        self.grid: Grid = whole.grid if whole else Grid(self.units)
        self._is_cancelled = is_cancelled
        self._own_cells: Optional[np.ndarray] = None
        self._owned: Optional[frozenset[str]] = None
        self._owns_records = False
        self._known: Optional[Known] = None
        self._ran: dict[str, Hashable] = {}
        self._rests_on: dict[str, frozenset[str]] = {}
        self._edited = False

    def dismissed(self, rule_id: str) -> frozenset[str]:
        """Keys of gaps of a rule that people called a false alarm or accepted: nobody builds on them."""
        self.whole._memory.note(f"dismissed:{rule_id}")
        return frozenset(key for key in self.whole._dismissed if rule_of(key) == rule_id)

    def renewed(
        self, standards: Standards, dismissed: frozenset[str], is_cancelled: Callable[[], bool]
    ) -> Optional[Context]:
        """The context of the same city under other standards, with all that they leave true.

        None if they leave a statistic untrue that edits have been laid over.
        """
        renewed = Context(self.city, standards, is_cancelled, dismissed=dismissed)
        differing = {f"dismissed:{rule_of(key)}" for key in dismissed ^ self._dismissed}
        names = changed_names(self.standards, standards) | differing
        renewed._memory = self._memory.without(names)
        if self._edited and any(
            self._memory.knows(it) and not renewed._memory.knows(it) for it in STATISTICS
        ):
            return None
        renewed._edited, renewed.moved, renewed._rests_on = self._edited, self.moved, self._rests_on
        renewed.standards = WatchedStandards(standards, renewed._memory)
        renewed.units, renewed.grid = self.units, self.grid
        return renewed

    def carry(self, change: Change) -> np.ndarray:
        """Carry the statistics over an edit.

        Those that can't be told without a look at the whole city go to `moved`.

        Returns
        -------
        ndarray of float64, shape (f, 4)
            Bounds of places, however far away, whose answers the statistics alter.
        """
        frames = [NOWHERE]
        for fact in STATISTICS:
            if change.role in fact.roles and fact.name not in self.moved:
                value, names = self._memory.entry(fact)
                after = fact.after(value, change)
                if after is None:
                    self.moved |= {fact.name}
                else:
                    self._memory.adopt(fact, after.value, names)
                    frames.append(after.frames)
        self._edited = True
        return np.concatenate(frames)

    def know(self, role: str) -> None:
        """Compute the statistics that an edit of a role may alter, as long as it has not been laid over."""
        for fact in STATISTICS:
            if role in fact.roles:
                self.once(fact)
                self.check_cancelled()

    @contextmanager
    def reading(self) -> Iterator[set[str]]:
        """The names of standards and statistics that are read meanwhile."""
        with self.whole._memory.reading() as names:
            yield names

    def part(
        self,
        city: City,
        cells: np.ndarray,
        owned: frozenset[str] = frozenset(),
        *,
        records: bool = False,
        known: Optional[Known] = None,
    ) -> Context:
        """The context of a part of this city that answers for some cells and objects (``role:id``).

        And for records, if it is a window.

        Parameters
        ----------
        known : Known, optional
            What is known of its rows already.
        """
        part = Context(city, self.standards, self._is_cancelled, whole=self.whole)
        part._own_cells, part._owned, part._owns_records, part._known = cells, owned, records, known
        return part

    def asks(self, role: str) -> np.ndarray:
        """Which objects of a role are asked about, shape (n,): of a part, those it answers for.

        A window answers for records too, but by their place: all are asked about. An edit is of rows that
        have an id.
        """
        table = self.city.table(role)
        if self._owned is None or (self._owns_records and role not in OBJECT_LAYERS):
            return np.ones(len(table), dtype=bool)
        if "id" not in table:
            return np.zeros(len(table), dtype=bool)
        return np.array([f"{role}:{name}" in self._owned for name in table["id"].tolist()], dtype=bool)

    @property
    @remembered
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes and outlines of the cells that rules answer for: of the study area, or of the window."""
        if self._own_cells is None:
            return self.grid.all_cells()
        return self._own_cells, self.grid.outlines(list(self._own_cells))

    def once(self, fact: Callable[[Context], T]) -> T:
        """A fact of the whole city, computed at the first asking; windows share it.

        Parameters
        ----------
        fact : callable
            A `Statistic`, or a module-level function of the whole city's Context that no edit alters.
        """
        whole = self.whole
        if isinstance(fact, Statistic):
            whole._memory.note(fact.name)
        return whole._memory.recall(fact, lambda: fact(whole))

    def own(self, fact: Callable[..., T], *words: str) -> T:
        """A fact of this context's own city, whole or part, computed at the first asking.

        Parameters
        ----------
        fact : callable
            A module-level function of a Context and the words.
        """
        return self._memory.recall((fact, *words, "own"), lambda: fact(self, *words))

    def briefly(self, fact: Callable[..., T], *words: str) -> T:
        """As `own`, for a large fact that only rules of one family read: kept until another begins."""
        return self._memory.recall_briefly((fact, *words, "own"), lambda: fact(self, *words))

    def begin(self, rule_id: str) -> None:
        """A rule looks at the whole city: what is kept for another family alone can go."""
        self._memory.begin(rule_id[0])

    def run_once(
        self, rule_id: str, reads: tuple[str, ...], find: Callable[[], tuple[gpd.GeoDataFrame, U]]
    ) -> tuple[gpd.GeoDataFrame, U]:
        """What a rule finds in the whole city and says besides, computed once under these standards.

        Parameters
        ----------
        reads : tuple of str
            Rules whose findings it reads, as far as they ran before it.
        """
        key = self._key_of(rule_id, reads)
        self._ran[rule_id] = key
        found = self._memory.recall(key, find)
        self._rests_on[rule_id] = self._memory.entry(key)[1]
        return found

    def run_ahead(
        self,
        groups: Sequence[Sequence[Rule]],
        find: Callable[[Rule], tuple[gpd.GeoDataFrame, Any]],
        processes: int,
    ) -> Iterator[str]:
        """Let processes find what rules will say, each group in one; gives the rules that are done.

        Parameters
        ----------
        groups : sequence of sequence of Rule
            In the order of a run; a rule reads others of its group alone.
        """

        def work(number: int) -> list[tuple[str, Hashable, pd.DataFrame, Any, frozenset[str]]]:
            return [self._ran_ahead(rule, find) for rule in groups[number]]

        for _, done in side_by_side(range(len(groups)), work, processes, self.check_cancelled):
            for rule_id, key, table, said, names in done:
                self._memory.adopt(key, (unpacked(table, self.city.crs), said), names)
                yield rule_id

    def _ran_ahead(
        self, rule: Rule, find: Callable[[Rule], tuple[gpd.GeoDataFrame, Any]]
    ) -> tuple[str, Hashable, pd.DataFrame, Any, frozenset[str]]:
        """What a rule says, as it is sent to another process: its key, findings, and names they rest on."""
        self.run_once(rule.rule_id, rule.reads, lambda: find(rule))
        key = self._ran[rule.rule_id]
        (findings, said), names = self._memory.entry(key)
        give_back()
        return rule.rule_id, key, packed(findings), said, names

    @contextmanager
    def meanwhile(self, fact: Callable[[Context], Any]) -> Iterator[None]:
        """Have a process find out a fact of the whole city while this one does something else."""

        def work() -> tuple[Any, frozenset[str]]:
            self.once(fact)
            return self._memory.entry(fact)

        with meanwhile(work, self.check_cancelled) as found:
            yield
            self._memory.adopt(fact, *found())

    def rests_on(self, rule_id: str) -> frozenset[str]:
        """Standards and statistics that a rule last read in the whole city, by name; none if it never ran."""
        return self._rests_on.get(rule_id, frozenset())

    def _key_of(self, rule_id: str, reads: tuple[str, ...]) -> Hashable:
        return ("rule", rule_id, *(name for name in reads if name in self._ran))

    def found(self, rule_id: str) -> gpd.GeoDataFrame:
        """Findings of a rule that ran earlier in this run, dismissed ones left out; empty if it did not."""
        whole = self.whole
        if rule_id not in whole._ran:
            return no_findings(self.city.crs)
        findings, _ = whole._memory.recall(whole._ran[rule_id], _never_run)
        return findings[~findings["key"].isin(self.dismissed(rule_id))].reset_index(drop=True)

    @property
    def at(self) -> datetime:
        """T: the end of the as-of day."""
        return self.city.as_of

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        if self._is_cancelled():
            raise Cancelled

    def number(self, name: str, object_class: str | None = None) -> float:
        """A parameter of the standards."""
        return self.standards.number(name, object_class)

    def points(self, role: str, part: slice = slice(None)) -> np.ndarray:
        """Representative point of each object of a role or of some rows, None without a place, shape (n,)."""
        shapes = self.city.table(role).geometry.to_numpy()
        begin, end, _ = part.indices(len(shapes))
        points = shapes[begin:end].copy()
        rows, places = self._places(role)
        first, last = np.searchsorted(rows, (begin, end))
        rows, places = rows[first:last] - begin, places[first:last]
        points[rows] = None
        placed = ~np.isnan(places[:, 0])
        points[rows[placed]] = shapely.points(places[placed])
        return points

    def places(self, role: str) -> np.ndarray:
        """Where `points` are, float64 of shape (n, 2), NaN without a place."""
        shapes = self.city.table(role).geometry.to_numpy()
        rows, places = self._places(role)
        every = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
        every[rows] = places
        return every

    @remembered
    def _places(self, role: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose geometry is no point with a place, and where their `points` are, NaN without a place.

        Shape (k,) and (k, 2): a tenth of what the points would take.
        """
        geometry = self.city.table(role).geometry
        shapes, has_place = geometry.to_numpy(), usable(geometry)
        rows = np.flatnonzero(
            ~shapely.is_missing(shapes) & ~(has_place & (shapely.get_type_id(shapes) == _POINT))
        )
        points = representative_points(shapes[rows], has_place[rows])
        return rows, np.column_stack([shapely.get_x(points), shapely.get_y(points)])

    def age(self, role: str) -> np.ndarray:
        """Age of each object in years (T.year - year), NaN where unrecorded, shape (n,)."""
        rows = self.subject(role).rows
        if "age" not in rows:
            return np.full(len(rows), np.nan)
        return rows["age"].to_numpy(dtype="float64")

    def is_filler(self, role: str, field: str) -> np.ndarray:
        """Whether a cell holds a filler such as 0, 9999 or 不详, shape (n,)."""
        return is_filler(self.city.table(role)[field], self.standards.words("D01.fillers"))

    def local_day(self, times: pd.Series) -> pd.Series:
        """The day each time falls on in the city's time zone, NaT for null."""
        return times.dt.tz_convert(str(self.city.tz)).dt.normalize()

    @property
    @remembered
    def is_old_housing(self) -> np.ndarray:
        """Old housing stock: built by `old_housing.year`, residential or empty use, shape (n,)."""
        housing = self.subject("housing").rows
        early = housing["built_year"] <= self.number("old_housing.year", "housing")
        return early.to_numpy(dtype=bool) & is_home_use(housing)

    def lacks(self, role: str, field: str) -> np.ndarray:
        """Rows of a role whose source has no column for the field, shape (n,)."""
        sources = [name for name, fields in self.city.lacking.get(role, {}).items() if field in fields]
        names = self.city.table(role)["source_name"]
        return names.isin(sources).to_numpy(dtype=bool) if sources else np.broadcast_to(False, len(names))

    @remembered
    def subject(self, role: str) -> Subject:
        """The objects of a role as rules read them: as recorded, implausible values empty, `age` derived."""
        if self._known is not None:
            return self._known.subject(role)
        recorded = self.recorded(role)
        table = recorded.rows.copy(deep=False)
        for field, bad in self.implausible(role).items():
            _empty(table, field, bad)
        return self.derived(role, Subject(table, recorded.lacks, recorded.at))

    def implausible(self, role: str) -> Mapping[str, np.ndarray]:
        """Fields of a role with an open D02 of severity medium or high, and the rows, shape (n,)."""
        return implausible(role, self)

    @remembered
    def value_failures(self, role: str) -> tuple[Failure, ...]:
        """Values of a role that can't be right (D02), whatever people said of them."""
        if self._known is not None:
            return self._known.failures(role)
        return value_failures(role, self)

    @remembered
    def recorded(self, role: str) -> Subject:
        """The objects of a role as recorded: fillers and dates after T empty."""
        given = self.city.table(role)
        # Column by column: as a table pandas would copy them.
        table = pd.DataFrame({name: given[name] for name in given if name != "geometry"}, copy=False)
        for field in table.select_dtypes("datetimetz"):
            _empty(table, field, (table[field] > pd.Timestamp(self.at)).to_numpy(dtype=bool))
        for field in table.columns.difference(["id", "source_name"]):
            if field in self._asked_fields or not pd.api.types.is_numeric_dtype(table[field].dtype):
                _empty(table, field, self.is_filler(role, field))
        lacks = {field: self.lacks(role, field) for field in table.columns}
        return Subject(table, lacks, self.at)

    @property
    @remembered
    def _connectors(self) -> np.ndarray:
        if self._known is not None:
            return self.subject("pipes").rows["connector"].to_numpy(dtype=bool)
        return is_connector(self)

    def derived(self, role: str, subject: Subject) -> Subject:
        """With `age` in years (T.year - year), `connector`, and whether the object is at its design life."""
        if role not in YEAR_FIELD:
            return subject
        table = subject.rows.copy(deep=False)
        lacks = dict(subject.lacks)
        if role == "pipes":
            table["connector"] = self._connectors
            lacks["connector"] = np.zeros(len(table), dtype=bool)
        table["age"] = self.at.year - table[YEAR_FIELD[role]].astype("float64")
        lacks["age"] = lacks[YEAR_FIELD[role]]
        table[DESIGN_LIFE] = life = self._design_life(role, table)
        table["at_design_life"] = (table["age"] >= life).astype("boolean").mask(life.isna())
        lacks[DESIGN_LIFE] = np.zeros(len(table), dtype=bool)
        lacks["at_design_life"] = lacks["age"]
        return Subject(table, lacks, subject.at)

    def _design_life(self, role: str, rows: pd.DataFrame) -> pd.Series:
        """Years each object is made for: its own, else those of its role, NaN where nobody says."""
        usual = self.standards.optional(DESIGN_LIFE, role)
        years = pd.Series(np.nan if usual is None else usual.number(), index=rows.index)
        if DESIGN_LIFE not in rows:
            return years
        return pd.to_numeric(rows[DESIGN_LIFE], errors="coerce").astype("float64").fillna(years)

    @property
    @remembered
    def _asked_fields(self) -> frozenset[str]:
        """Fields D01 asks for: in these alone a number such as 0 is a filler."""
        rows = self.standards.named("D01.required_fields")
        return frozenset(name for row in rows for name in row.value.replace("/", "|").split("|"))

    def fits(
        self,
        row: Standard,
        role: str,
        *,
        null_needs_column: bool = False,
        subject: Optional[Subject] = None,
    ) -> np.ndarray:
        """Which objects of a role a row of the standards is for: class, condition, grade and zone.

        Parameters
        ----------
        subject : Subject, optional
            The values to ask, by default `subject(role)`.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        subject = subject or self.subject(role)
        fit = of_class(role, self.city.table(role), row.object_class)
        if fit.any():
            needs = null_needs_column or row.use == "unrecorded"
            fit = fit & fits(parse(row.applies_if), subject, null_needs_column=needs)
        if row.grade and fit.any():
            fit = fit & (self._grades(role, row.grade, subject) == row.grade)
        if row.zone and fit.any():
            fit = fit & (self._zones(role) == row.zone)
        return fit

    def _grades(self, role: str, like: str, subject: Subject) -> np.ndarray:
        """Danger grade for A-D; else the object's maintenance grade, else the grade of its unit."""
        field = "danger_grade" if like in tuple("ABCD") else "maintenance_grade"
        own = shared(subject.values(field))
        if field == "danger_grade":
            return own
        of_unit = in_smallest_unit(self, role, "grade")
        return np.where(pd.isna(own), of_unit, own)

    def _zones(self, role: str) -> np.ndarray:
        return in_smallest_unit(self, role, "zone_type")

    @property
    def heavy_cells(self) -> frozenset[str]:
        """Codes of the cells whose weight is above the third quartile of those that have any."""
        return self.once(cell_weights).heavy

    @property
    def cell_weights(self) -> pd.Series:
        """Weight by cell code (`weights.cell_weights`)."""
        return self.once(cell_weights).by_cell

    def in_fringe(self, points: np.ndarray) -> np.ndarray:
        """Whether each point lies in a unit whose zone_type is fringe, shape (n,)."""
        rows = self.units.rows
        return is_within_any(
            points, rows.geometry.to_numpy()[(rows["zone_type"] == "fringe").to_numpy(dtype=bool)]
        )

    @property
    @remembered
    def _neglected_strips(self) -> tuple[np.ndarray, np.ndarray]:
        """Back alleys and spaces under viaducts, and half the width of each line (outline: 0), metres."""
        table = self.city.table("neglected")
        keep = table["kind"].isin(("back_alley", "under_viaduct")).to_numpy(dtype=bool) & usable(
            table.geometry
        )
        shapes, widths = table.geometry.to_numpy()[keep], table["width_m"].to_numpy(dtype="float64")[keep]
        half = np.where(widths > 0, widths / 2, self.number("alley.half_width_m"))
        return shapes, np.where(shapely.get_dimensions(shapes) == 1, half, 0.0)

    def in_neglected(self, points: np.ndarray) -> np.ndarray:
        """Whether each point lies in a back alley or under a viaduct, shape (n,)."""
        return is_within_any(points, *self._neglected_strips)

    def never_surveyed(self, object_class: str, codes: np.ndarray) -> np.ndarray:
        """Whether each cell is never surveyed for a class (indicators 1, state 1).

        That is: no survey of the class touches the cell by at least `ledger.min_cover`, and no
        record of the class lies in it (a touched border is no record).

        Parameters
        ----------
        object_class : str
            Such as ``pipes:JS``.
        codes : ndarray of str or None, shape (n,)

        Returns
        -------
        ndarray of bool, shape (n,); False where the code is None
        """
        return self.once(recorded_cells).never_surveyed(object_class, codes)


def _empty(table: pd.DataFrame, field: str, bad: np.ndarray) -> None:
    """Empty some cells of a field; a column without any stays shared with the city's table."""
    if bad.any():
        table[field] = table[field].mask(bad)


def _never_run() -> Any:
    raise LookupError("a rule reads findings that are not there")


def is_filler(column: pd.Series, fillers: tuple[str, ...]) -> np.ndarray:
    """Whether each value of a column is one of the fillers, numbers by value and text by spelling.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = pd.to_numeric(pd.Series(fillers), errors="coerce").dropna()
        return column.isin(numbers).to_numpy(dtype=bool)
    text = pc.utf8_trim_whitespace(pa.array(column.astype("str")))
    return np.asarray(pc.is_in(text, value_set=pa.array(fillers, type=text.type)))


def _kept(shapes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The shapes of a mask, None for others."""
    kept = np.full(len(shapes), None, dtype=object)
    kept[mask] = shapes[mask]
    return kept


def representative_points(shapes: np.ndarray, has_place: np.ndarray) -> np.ndarray:
    """A point inside each geometry: on a line, of a point itself; None without `has_place`, shape (n,)."""
    points = _kept(shapes, has_place)
    extended = shapely.get_type_id(points) > _POINT
    points[extended] = shapely.point_on_surface(points[extended])
    return points
