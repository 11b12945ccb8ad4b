"""metadata.txt holds what the plugin site asks for."""

import configparser
import re

import pytest

REQUIRED = (
    *("name", "description", "version", "qgisMinimumVersion", "author", "email"),
    *("about", "tracker", "repository", "homepage"),
)


@pytest.fixture
def general(root):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / "metadata.txt", encoding="utf-8")
    return parser["general"]


@pytest.mark.parametrize("key", REQUIRED)
def test_required_key_is_there(general, key):
    assert general[key].strip()


def test_values_the_site_refuses_are_not_there(general):
    assert "/" not in general["author"]
    assert "plugin" not in general["name"].casefold()
    assert re.fullmatch(r"\d+\.\d+\.\d+", general["version"])
    assert re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", general["email"])
    for key in ("homepage", "tracker", "repository"):
        assert general[key].startswith("https://")
    assert not re.search("[\u4e00-\u9fff]", general["description"]), "the description is English"


def test_what_qgis_reads(general, root):
    assert general["hasProcessingProvider"] == "yes"
    assert general["qgisMinimumVersion"] == "3.22"
    assert general["qgisMaximumVersion"] == "3.99"
    assert "supportsQt6" not in general
    assert (root / general["icon"]).is_file()


def test_about_says_dependencies_in_both_languages(general):
    about = general["about"]
    assert "Dependencies:" in about
    assert "依赖" in about
    for package in ("geopandas", "shapely", "pyogrio", "pyarrow", "pyproj", "fiona"):
        assert about.count(package) >= 2


def test_version_is_in_the_changelog(general):
    assert general["version"] in general["changelog"]


def test_licence_is_the_gpl_2(root):
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
    assert "END OF TERMS AND CONDITIONS" in text
