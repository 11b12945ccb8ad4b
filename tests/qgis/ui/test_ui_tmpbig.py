import time, cProfile, pstats
from pathlib import Path
def test_big(make_bench,no_worker,qtbot):
    b=make_bench(); p=b.dock.gaps_page; b.dock.show_page(p)
    pr=cProfile.Profile(); pr.enable(); b.desk.open_store(Path('/tmp/big.gpkg')); pr.disable()
    pstats.Stats(pr).sort_stats('cumtime').print_stats(22)
    qtbot.waitUntil(lambda: p.model.rowCount()==1_000_000,timeout=60000)
    p.step(1); qtbot.wait(200)
    from citygap.store import lifecycle
    i=p.current_id()
    pr=cProfile.Profile(); pr.enable(); b.desk.act("x",lambda st,a: lifecycle.set_status(st,[i],"confirmed",author=a)); pr.disable()
    pstats.Stats(pr).sort_stats('cumtime').print_stats(22)
    qtbot.wait(2000)
