"""Coded values: from the spelling a source uses to the word of the vocabulary."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Callable, NamedTuple, Optional

import pandas as pd

from ..model.roles import ROLES
from ..model.tables import read_table
from ..model.vocabulary import class_of_kind, maps_to, pipe_classes, spellings

_VOCABULARY = {
    ("housing", "use"): "housing.use",
    ("pipes", "burial_method"): "burial_method",
    ("pipes", "pressure_grade"): "pressure_grade",
    ("pipe_points", "feature"): "pipe_points.feature",
    ("components", "class_code"): "components.class_code",
    ("components", "condition"): "components.condition",
    ("units", "zone_type"): "units.zone_type",
    ("surveys", "class_code"): "class_code",
    ("duties", "trade"): "duties.trade",
    ("duties", "duty"): "duties.duty",
    ("visits", "result"): "visits.result",
    ("visits", "activity"): "activity",
    ("events", "kind"): "events.kind",
    ("events", "level"): "events.level",
    ("repairs", "kind"): "repairs.kind",
    ("totals", "measure"): "totals.measure",
    ("standards", "rule_or_activity"): "activity",
    ("standards", "zone"): "units.zone_type",
}
"""Field to the field of the vocabulary that holds its spellings."""
_LEVELS = {
    "city": ("市", "全市", "municipality"),
    "district": ("区", "县", "区县", "borough"),
    "subdistrict": ("街镇", "街道", "镇", "乡", "乡镇", "town"),
    "cell": ("网格", "单元网格", "万米网格", "格", "grid"),
}
_STAGES = {
    "collected": "收集",
    "opened": "立案",
    "dispatched": "派遣",
    "handled": "处置",
    "reported": "反馈",
    "closed": "结案",
    "appraised": "评价",
    "rejected": "不予立案",
    "cancelled": "作废",
    "extended": "延期",
    "deferred": "缓办",
}
_CJJ_CODE = re.compile(r"^5(\d)(\d\d)[123]\d\d\d$")
"""Pipe feature code of CJJ 61-2017 appendix F: 5, class digit, kind, element type, point type, serial."""
_NUMBERED = re.compile(r"^\d+(?:[_.]\d+)*[_ .-](?=\D)")
"""Number in front of a code of the Spanish cadastre and of INSPIRE: ``4_2_retail``."""
_GRADE = re.compile(r"^([A-D])(?:级|級| ?grade|级危房)?$", re.IGNORECASE)


class PipeCode(NamedTuple):
    """Class and kind that one spelling names; the kind may be unknown."""

    class_code: str
    kind_code: Optional[str]


def fold(text: str) -> str:
    """The text without case, spaces, underscores, and in half-width characters."""
    plain = unicodedata.normalize("NFKC", str(text)).casefold()
    return re.sub(r"[\s_\-:.()/@]+", "", plain)


@cache
def known_values(role: str, field: str) -> dict[str, Optional[str]]:
    """Folded spelling to value for a coded field; empty if the field is not coded."""
    if (role, field) in _VOCABULARY:
        return {
            fold(word): value for word, value in spellings(_VOCABULARY[role, field]).items() if fold(word)
        }
    if (role, field) == ("pipes", "material_code"):
        return _materials()
    if field == "class_code" and role in ("pipes", "pipe_points"):
        return {word: code.class_code for word, code in _pipe_codes().items()}
    if (role, field) == ("pipes", "kind_code"):
        return {word: code.kind_code for word, code in _pipe_codes().items() if code.kind_code}
    if (role, field) == ("neglected", "kind"):
        kinds = [value for value, target in maps_to("class_code").items() if target.startswith("neglected:")]
        return {fold(word): value for word, value in spellings("class_code").items() if value in kinds}
    if (role, field) == ("units", "level"):
        return {fold(word): level for level, words in _LEVELS.items() for word in (level, *words)}
    if (role, field) == ("hotline", "stage"):
        return {fold(word): stage for stage, zh in _STAGES.items() for word in (stage, zh)}
    return {}


def to_code(text: pd.Series, role: str, field: str) -> pd.Series:
    """Coded values in place of their spellings; an unknown spelling stays as it was written."""
    read = _reader(role, field)
    if read is None:
        return text
    place, words = pd.factorize(text)
    if not len(words):
        return text
    codes = pd.Series([*map(read, words), None], dtype="str")
    return codes.take(place).set_axis(text.index)


def pipe_code(text: str) -> Optional[PipeCode]:
    """Class and kind of a pipe by its class, kind, their names, or its CJJ feature code."""
    found = _CJJ_CODE.match(text.strip())
    if found:
        return _cjj_codes().get((found.group(1), found.group(2))) or _cjj_codes().get((found.group(1), ""))
    return _pipe_codes().get(fold(text))


def fill_pipe_classes(frame: pd.DataFrame, written: Optional[pd.Series]) -> None:
    """A kind gives its class where the class is empty; a class column that names kinds gives the kind."""
    kinds = class_of_kind()
    if "kind_code" in frame:
        by_kind = frame["kind_code"].map(kinds)
        frame["class_code"] = by_kind if "class_code" not in frame else frame["class_code"].fillna(by_kind)
        frame["class_code"] = frame["class_code"].astype("str")
    if written is None:
        return
    table = {
        word: code.kind_code
        for word in written.dropna().unique()
        if (code := pipe_code(word)) and code.kind_code
    }
    if table:
        named = written.map(table).astype("str")
        frame["kind_code"] = frame["kind_code"].fillna(named) if "kind_code" in frame else named


def class_field(role: str) -> Optional[str]:
    """The field that a layer's name may stand in for: ``sewers`` says class PS of role pipes."""
    names = ROLES[role].field_names
    return next((field for field in ("class_code", "kind", "level") if field in names), None)


def _reader(role: str, field: str) -> Optional[Callable[[str], Optional[str]]]:
    if (role, field) == ("housing", "danger_grade"):
        return lambda text: found.group(1).upper() if (found := _GRADE.match(text.strip())) else text
    if field == "object_class":
        return object_class
    if field == "class_code" and role in ("pipes", "pipe_points"):
        return lambda text: code.class_code if (code := pipe_code(text)) else text
    words = known_values(role, field)
    if not words:
        return None
    return lambda text: words.get(fold(text), words.get(fold(_NUMBERED.sub("", text)), text))


def object_class(text: str) -> str:
    """``role`` or ``role:class`` that a spelling names (``RQ``, ``components:路灯``), else the text."""
    role, colon, word = text.strip().partition(":")
    if not colon:
        return role if role in ROLES else _object_classes().get(fold(role), text)
    known = known_values(role, class_field(role) or "") if role in ROLES else {}
    return f"{role}:{known.get(fold(word)) or word}"


@cache
def _object_classes() -> dict[str, str]:
    """Folded spelling of a class to ``role:class``."""
    classes = {
        fold(word): maps_to("class_code")[value]
        for word, value in spellings("class_code").items()
        if value and maps_to("class_code")[value]
    }
    components = known_values("components", "class_code")
    return {**{word: f"components:{value}" for word, value in components.items()}, **classes}


@cache
def _materials() -> dict[str, Optional[str]]:
    words: dict[str, Optional[str]] = {}
    rows = read_table("materials")
    for names in (("material_code",), ("material_zh", "material_en", "identifier"), ("aliases",)):
        for row in rows:
            for name in names:
                for word in row[name].split("|"):
                    if word:
                        words.setdefault(fold(word), row["material_code"])
    return words


@cache
def _pipe_codes() -> dict[str, PipeCode]:
    """Spelling to code: classes before kinds (HY and 航油 name both), the vocabulary's spellings last."""
    codes: dict[str, PipeCode] = {}
    for code, row in pipe_classes().items():
        for word in (code, row["class_zh"], row["class_en"]):
            codes.setdefault(fold(word), PipeCode(code, None))
    for row in read_table("pipe_classes"):
        for word in (row["kind_code"], row["kind_zh"], row["kind_en"], f"{row['kind_zh']}管"):
            codes.setdefault(fold(word), PipeCode(row["class_code"], row["kind_code"]))
    for row in read_table("vocabulary"):
        if row["field"] == "class_code" and row["value"] in pipe_classes():
            for word in (row["zh"], *row["aliases"].split("|")):
                codes.setdefault(fold(word), PipeCode(row["value"], None))
    codes.pop("", None)
    return codes


@cache
def _cjj_codes() -> dict[tuple[str, str], PipeCode]:
    codes: dict[tuple[str, str], PipeCode] = {}
    for row in read_table("pipe_classes"):
        if row["cjj_class_no"]:
            codes[row["cjj_class_no"], row["cjj_kind_no"]] = PipeCode(row["class_code"], row["kind_code"])
            codes.setdefault((row["cjj_class_no"], ""), PipeCode(row["class_code"], None))
    return codes
