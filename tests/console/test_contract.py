"""The documented JSON is what the commands print, key by key."""

import json
import re
import shlex

import pytest

OPEN = "…"
SECTION = re.compile(
    r"^## (?P<name>.+?)\n.*?```console\n(?P<command>.+?)\n```"
    r".*?```json\n(?P<json>.+?)\n```(?P<rest>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
COMMANDS = (
    *(
        "sample",
        "card",
        "check",
        "ledger",
        "figures",
        "gaps",
        "gaps --geojson",
        "flag",
        "note",
        "status",
        "history",
    ),
    *("history --verify", "undo", "report"),
)


@pytest.fixture(scope="module")
def sections(root):
    """Heading to command line, documented JSON and the text that explains it."""
    text = (root / "docs" / "contract.md").read_text(encoding="utf-8")
    return {
        found["name"]: (found["command"], json.loads(found["json"]), found["rest"])
        for found in SECTION.finditer(text)
    }


@pytest.fixture(scope="module")
def printed(sections, console, tmp_path_factory):
    """Heading to what its command really prints, all run in one folder from top to bottom."""
    folder = tmp_path_factory.mktemp("contract")
    results, stand_ins = {}, {}
    for name, (line, _, _) in sections.items():
        words = [stand_ins.get(word, word) for word in shlex.split(line)]
        assert words[0] == "citygap"
        done = console.run(*words[1:], cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), name
        results[name] = json.loads(done.stdout)
        if name == "gaps":
            stand_ins["GAP_ID"] = results[name][0]["gap_id"]
        if name == "history":
            stand_ins["EVENT"] = str(results[name][-1]["event_id"])
    return results


def same_form(meant, real, at="$"):
    """Where the real document differs in form from the documented one, as a list of complaints."""
    if isinstance(meant, dict):
        if not isinstance(real, dict):
            return [f"{at}: documented as an object, it is {real!r:.60}"]
        return _same_keys(meant, real, at)
    if isinstance(meant, list):
        if not isinstance(real, list):
            return [f"{at}: documented as a list, it is {real!r:.60}"]
        return [c for i, item in enumerate(real) for c in _as_one_of(meant, item, f"{at}[{i}]")]
    if meant is None or real is None or _kind(meant) == _kind(real):
        return []
    return [f"{at}: documented like {meant!r}, it is {real!r:.60}"]


def _same_keys(meant, real, at):
    named = {key: value for key, value in meant.items() if key != OPEN}
    complaints = [f"{at}.{key}: documented, but not there" for key in named if key not in real]
    for key, value in real.items():
        if key in named:
            complaints += same_form(named[key], value, f"{at}.{key}")
        elif OPEN not in meant:
            complaints.append(f"{at}.{key}: there, but not documented")
        elif isinstance(meant[OPEN], dict):
            complaints += _as_one_of(list(named.values()), value, f"{at}.{key}")
        elif meant[OPEN] != "":
            complaints += same_form(meant[OPEN], value, f"{at}.{key}")
    return complaints


def _as_one_of(forms, value, at):
    """No complaint if the value has one of the documented forms, else those of the first."""
    complaints = [same_form(form, value, at) for form in forms]
    return [] if not complaints or [] in complaints else complaints[0]


def _kind(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


def keys_of(document):
    if isinstance(document, dict):
        return set(document) - {OPEN} | {key for value in document.values() for key in keys_of(value)}
    if isinstance(document, list):
        return {key for value in document for key in keys_of(value)}
    return set()


def test_each_command_has_its_section(sections):
    assert tuple(sections) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_documented_keys_are_the_real_ones(sections, printed, name):
    assert printed[name] not in ([], {}), "an empty document proves nothing"
    assert same_form(sections[name][1], printed[name]) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_key_is_explained(sections, name):
    _, document, rest = sections[name]
    explained = set(re.findall(r"`([^`]+)`", rest))
    open_keys = {"housing", "pipes", "N02", "A02", "I05"}
    assert keys_of(document) - explained - open_keys == set()


def test_the_report_in_the_folder_is_the_printed_one(printed):
    assert printed["report"]["files"]["gap_notes.csv"]["rows"] == 1
    rows = [
        file["rows"] for name, file in printed["report"]["files"].items() if name.startswith("gap_report_")
    ]
    assert (
        sum(rows) - printed["report"]["files"]["gap_report_fields.csv"]["rows"] == printed["report"]["gaps"]
    )


@pytest.mark.parametrize(
    ("meant", "real"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}),
        ([{"a": 1}], [{"a": 1}, {"b": 1}]),
        ({"x": {"n": 1}, OPEN: {}}, {"x": {"n": 1}, "y": {"m": 1}}),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ({"a": []}, {"a": {}}),
    ],
)
def test_the_comparison_sees_every_difference(meant, real):
    assert same_form(meant, real)
    assert not same_form(real, real)
