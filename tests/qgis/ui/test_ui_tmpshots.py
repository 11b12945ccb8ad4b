import os
from pathlib import Path
import pytest
from qgis.PyQt.QtCore import QTranslator, QCoreApplication
from qgis.PyQt.QtGui import QFont, QFontDatabase, QPalette, QColor
from qgis.PyQt.QtWidgets import QApplication
from citygap.ui.language import install_translator, remove_translator
from citygap.model.errors import CityGapError


def dark():
    p = QPalette()
    W = QPalette
    for r, c in (
        (W.Window, "#2d2d30"),
        (W.WindowText, "#e6e6e6"),
        (W.Base, "#1e1e1e"),
        (W.AlternateBase, "#262629"),
        (W.Text, "#e6e6e6"),
        (W.Button, "#3a3a3d"),
        (W.ButtonText, "#e6e6e6"),
        (W.Highlight, "#2a6fb5"),
        (W.HighlightedText, "#ffffff"),
        (W.ToolTipBase, "#2d2d30"),
        (W.ToolTipText, "#e6e6e6"),
    ):
        p.setColor(r, QColor(c))
    for r in (W.WindowText, W.Text, W.ButtonText):
        p.setColor(W.Disabled, r, QColor("#8a8a8a"))
    return p


@pytest.mark.parametrize("lang,theme", [("en", "light"), ("zh", "light"), ("zh", "dark")])
def test_shots(make_bench, no_worker, store_path, qtbot, lang, theme, photo):
    app = QApplication.instance()
    old = app.palette()
    app.setStyle("Fusion")
    app.setFont(QFont("Noto Sans CJK SC", 9))
    if theme == "dark":
        app.setPalette(dark())
    t = install_translator(lang)
    b = make_bench(lang)
    S = f"{lang}_{theme}"
    out = Path("/tmp/shots")
    qtbot.wait(50)
    b.dock.grab().save(str(out / f"empty_{S}.png"))
    b.desk.open_store(store_path)
    qtbot.wait(500)
    from citygap.store import notes

    b.dock.check_page.sources.add("/data/shanghai/houses_1990.gpkg|old_houses")
    b.dock.check_page.sources.add("/data/shanghai/pipes.shp", "pipes")
    for name in ("layers_page", "check_page", "gaps_page", "report_page"):
        page = getattr(b.dock, name)
        b.dock.show_page(page)
        if name == "gaps_page":
            page.step(1)
            page.step(1)
            b.desk.act(
                "note",
                lambda s, a: notes.add_note(
                    s,
                    [page.current_id()],
                    text="墙体渗水 <b>严重</b>, third floor",
                    author=a,
                    result="defect",
                    photos=[str(photo)],
                ),
            )
            page.step(1)
            page.step(-1)
        if name == "report_page":
            page.show_result(
                "24 gaps written: 6 points, 6 lines, 6 areas, 6 without a place (gap_report_none.csv).",
                ["Read back by GDAL: 744 values, all as meant."],
            )
        qtbot.wait(100)
        b.dock.grab().save(str(out / f"{name}_{S}.png"))
    from citygap.ui.flag_dialog import FlagDialog
    from citygap.ui.note_dialog import NoteDialog
    from citygap.ui.status_dialog import StatusDialog

    d = FlagDialog(lang, b.dock)
    d.show()
    qtbot.wait(50)
    d.grab().save(str(out / f"flag_{S}.png"))
    d.close()
    d = NoteDialog(lang, "无维修记录 (housing)", b.dock)
    d.add_photos([str(photo)])
    d.show()
    qtbot.wait(50)
    d.grab().save(str(out / f"note_{S}.png"))
    d.close()
    d = StatusDialog("Accepted", 3, True, b.dock)
    d.show()
    qtbot.wait(50)
    d.grab().save(str(out / f"status_{S}.png"))
    d.close()
    remove_translator(t)
    app.setPalette(old)
