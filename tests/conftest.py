"""Makes `citygap` importable whatever the checkout folder is called, and finds the shared data."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def _load_package():
    """Load the root under its real name; keep it off sys.path, so that it shadows nothing."""
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != ROOT]
    if "citygap" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "citygap", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["citygap"] = module
    spec.loader.exec_module(module)


_load_package()


@pytest.fixture(scope="session")
def root():
    """Folder of the package."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real data; a clone without it skips, but never in CI."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the shared data folder is missing in CI")
        pytest.skip("no ../shared/data beside this clone")
    return SHARED_DATA
