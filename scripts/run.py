"""The main job of `make run`: the real plugin in a throwaway QGIS profile, from sources to picture.

Called by the worker's Python: ``run.py [--out DIR] [FILE …]``; without files it makes the sample city.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from citygap.sample.days import SAMPLE_AS_OF

ROOT = Path(__file__).resolve().parent.parent
CITYGAP = ROOT / ".venv" / "bin" / "citygap"
PHOTO = ROOT / "sample" / "alley.jpg"
SCREEN = "1600x1000x24"
WINDOW_TIMEOUT_S = 240


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", default="out", type=Path)
    arguments.add_argument("files", nargs="*")
    chosen = arguments.parse_args()
    out = chosen.out.resolve()
    begun = time.monotonic()
    make_way(out)
    profile = Path(tempfile.mkdtemp(prefix="citygap-profile-"))
    is_open = False
    try:
        qgis = Qgis(profile)
        sources = [str(Path(file).resolve()) for file in chosen.files]
        # Later than its last day most of the sample's records would be overdue.
        day = {} if sources else {"AS_OF": f"{SAMPLE_AS_OF}T00:00:00"}
        sources = sources or [sample_city(out)]
        store = out / "city.gpkg"
        step("check " + ", ".join(Path(source).name for source in sources))
        qgis.run("check", SOURCES=sources, STORE=store, CITY=out / "city_city.gpkg", **day)
        step("a planner flags a gap, and notes it with a photo")
        gap_id = flag_a_place(qgis, store)
        note = {"TEXT": NOTE, "PHOTOS": [PHOTO], "RESULT": "defect", "AUTHOR": "demo"}
        qgis.run("note", STORE=store, GAP_ID=gap_id, **note)
        step("the gap report as a shapefile set")
        qgis.run("report", STORE=store, OUT=out / "report")
        step("a QGIS window with the layers, the dock and the gaps")
        is_open = qgis.window(store, gap_id, out / "map.png")
    finally:
        if not is_open:
            shutil.rmtree(profile, ignore_errors=True)
    summary(out, store, time.monotonic() - begun)
    return 0


NOTE = (
    "夜间巡查：井盖移位，路锥已摆放，未见养护单位标识。 / "
    "Night patrol: cover moved, cones placed, no maintainer named."
)
FLAG = "背街小巷井盖移位，无人认领 / Manhole cover moved in a back alley, nobody answers for it"


class Qgis:
    """QGIS with the plugin in a profile of its own."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        plugins = profile / "profiles" / "default" / "python" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "citygap").symlink_to(ROOT, target_is_directory=True)
        # QGIS would fetch its default font from the network, and complain where there is none
        settings = profile / "profiles" / "default" / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir()
        settings.write_text("[fonts]\ndownloadMissingFonts=false\n", encoding="utf-8")
        # Debian 12's qgis_process wrapper adds an option that the program refuses
        self.program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
        if self.program is None:
            sys.exit("qgis_process is not on the PATH: install QGIS")
        self.environment = {
            **os.environ,
            "QGIS_CUSTOM_CONFIG_PATH": str(profile),
            "CITYGAP_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
        }
        self._call("plugins", "enable", "citygap")

    def run(self, algorithm: str, **parameters: object) -> dict:
        """Run one of the plugin's algorithms, and give its outputs."""
        words = []
        for name, value in parameters.items():
            for item in value if isinstance(value, list) else [value]:
                words.append(f"{name}={item}")
        text = self._call("--json", "run", f"citygap:{algorithm}", "--", *words)
        return json.loads(text[text.index("{") :])["results"]

    def _call(self, *words: str) -> str:
        environment = {**self.environment, "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run([self.program, *words], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"qgis_process {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def window(self, store: Path, gap_id: str, picture: Path) -> bool:
        """Open a real window on the store and the gap, and wait for its picture.

        On a desktop the window stays open for the user, and True is returned; on a virtual screen
        it closes itself.
        """
        names = ("DISPLAY", "WAYLAND_DISPLAY")
        has_desktop = not os.environ.get("CI") and any(os.environ.get(name) for name in names)
        environment = {
            name: value for name, value in self.environment.items() if name != "QT_QPA_PLATFORM"
        } | {
            "CITYGAP_STORE": str(store),
            "CITYGAP_GAP": gap_id,
            "CITYGAP_PICTURE": str(picture),
            "CITYGAP_CLOSE": "" if has_desktop else "1",
        }
        command = ["qgis", "--nologo", "--code", str(ROOT / "scripts" / "show_in_qgis.py")]
        if not has_desktop:
            command = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}", *command]
        log = self.profile / "qgis.log"
        with open(log, "w", encoding="utf-8") as file:
            window = subprocess.Popen(
                command, env=environment, stdout=file, stderr=file, start_new_session=has_desktop
            )
        if not wait_for(picture, window):
            window.kill()
            words = log.read_text(encoding="utf-8", errors="replace")
            sys.exit(f"QGIS gave no picture in {WINDOW_TIMEOUT_S} s. Its last words:\n{words[-2000:]}")
        if has_desktop:
            print("   QGIS stays open with the city.")
            return True
        window.wait()
        return False


def wait_for(picture: Path, window: subprocess.Popen) -> bool:
    deadline = time.monotonic() + WINDOW_TIMEOUT_S
    while time.monotonic() < deadline:
        if picture.exists():
            return True
        if window.poll() is not None:
            return picture.exists()
        time.sleep(0.2)
    return False


def make_way(out: Path) -> None:
    """Empty the folder of an earlier run; one that holds anything else is left alone and named."""
    mark = out / ".citygap-run"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        sys.exit(f"{out} holds files that are not ours: name another folder with OUT=…")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()


def sample_city(out: Path) -> str:
    step("the sample city")
    path = out / "sample.gpkg"
    subprocess.run([CITYGAP, "sample", str(path)], check=True, stdout=subprocess.DEVNULL)
    return str(path)


def flag_a_place(qgis: Qgis, store: Path) -> str:
    """Flag the middle of a gap's place, as a planner would who stands there."""
    gaps = json.loads(console("gaps", store, "--geojson"))["features"]
    placed = [gap for gap in gaps if gap["geometry"] and gap["properties"]["object_role"] != "units"]
    chosen = [gap for gap in placed if gap["properties"]["object_role"] == "neglected"] or placed
    longitude, latitude = middle_one([first_position(gap["geometry"]) for gap in chosen])
    place = f"CRS=EPSG:4326;POINT({longitude} {latitude})"
    return qgis.run(
        "flag", STORE=store, PLACE=place, SEVERITY="high", CLASS="manhole_cover", TEXT=FLAG, AUTHOR="demo"
    )["GAP_ID"]


def middle_one(positions: list[tuple[float, float]]) -> tuple[float, float]:
    """The position nearest to the median of all: where most of the city is, not its rim."""
    if not positions:
        sys.exit("no gap has a place: there is nothing to flag beside")
    east = statistics.median(position[0] for position in positions)
    north = statistics.median(position[1] for position in positions)
    return min(positions, key=lambda position: math.dist(position, (east, north)))


def first_position(geometry: dict) -> tuple[float, float]:
    position = geometry["coordinates"]
    while isinstance(position[0], list):
        position = position[0]
    return position[0], position[1]


def console(*words: object) -> str:
    return subprocess.run([CITYGAP, *map(str, words)], check=True, capture_output=True, text=True).stdout


def summary(out: Path, store: Path, seconds: float) -> None:
    gaps = json.loads(console("gaps", store, "--json"))
    print(f"\n{len(gaps)} gaps in {seconds:.0f} s:")
    rules: dict[str, list[dict]] = {}
    for gap in gaps:
        rules.setdefault(gap["rule_id"] or "flag", []).append(gap)
    for rule, members in sorted(rules.items()):
        levels = {
            level: sum(gap["severity"] == level for gap in members)
            for level in ("high", "medium", "low", "info")
        }
        words = ", ".join(f"{count} {level}" for level, count in levels.items() if count)
        title = members[0]["title"].split(" (")[0]
        print(f"  {rule:5} {len(members):6}  {title}: {words}")
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    print("\nFiles:")
    for name, words in (
        ("city.gpkg", "the store: gaps, notes, photos, events"),
        ("city_city.gpkg", "the city as it was read"),
        ("report/", f"the gap report, {len(report.get('files', []))} files, read back"),
        ("map.png", "the whole QGIS window"),
    ):
        print(f"  {out / name}  {words}")
    print(
        "\nNext: open the store in QGIS with the CityGap plugin, "
        "walk the streets, note what you see, check again."
    )
    print('Your own city: make run CITY="buildings.shp pipes.gpkg roads.osm"')


def step(text: str) -> None:
    print(f"-- {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
