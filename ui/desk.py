"""What the controllers share: the open store, its layers, the worker, and what can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Optional

from qgis.core import QgsApplication, QgsProject, QgsTask
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..layers.tree import CityGapTree
from ..link.client import WorkerClient
from ..model.errors import CityGapError
from ..store import events
from ..store.database import Store, open_store
from ..tasks.request_task import RequestTask
from .messages import Messages
from .preferences import Preferences
from .store_guard import StoreGuard
from .store_reading import StoreReadTask

READ_AT_ONCE = 20_000
"""Gaps up to which a store is read without a task: under 50 ms."""


def city_beside(store_path: Path) -> Path:
    """Where a check leaves the city's tables for the map: beside the store."""
    return store_path.with_name(f"{store_path.stem}_city.gpkg")


class Desk(QObject):
    """One open store at a time, on the main thread.

    Parameters
    ----------
    iface : qgis.gui.QgisInterface
    language : str
        ``zh`` or ``en``.
    """

    store_opened = pyqtSignal()
    store_closed = pyqtSignal()
    gaps_changed = pyqtSignal()
    """Gaps, notes or statuses changed, by people or by a run."""
    worker_known = pyqtSignal()
    """Whether there is a worker became known, or changed: see `missing`."""

    def __init__(self, iface: Any, language: str) -> None:
        super().__init__()
        self.iface = iface
        self.language = language
        self.preferences = Preferences.load()
        self.messages = Messages(iface)
        self.tree = CityGapTree(QgsProject.instance(), language)
        self.client = WorkerClient(self)
        self.client.started.connect(lambda _hello: self._on_worker(None))
        self.client.failed.connect(self._on_request_failed)
        self.store: Optional[Store] = None
        self.store_path: Optional[Path] = None
        """Where the store is, or will be once a check has written it."""
        self.missing: Optional[CityGapError] = None
        """Why there is no worker; None while there may be one."""
        self._guard: Optional[StoreGuard] = None
        self._undoable: list[int] = []
        self._tasks: list[QgsTask] = []

    def look_for_worker(self) -> None:
        """Start the worker, so that it is known whether there is one; `worker_known` follows."""
        self.client.request("close", {"city": ""})

    def open_store(self, path: Path) -> None:
        """Open a store and put its layers on the map, in place of the one before.

        Raises
        ------
        CityGapError
            missing_file, not_store, newer_store, locked, no_lock; then the one before stays open.
        """
        store = open_store(path)
        try:
            guard = StoreGuard(store.path)
        except CityGapError:
            store.close()
            raise
        self.close_store()
        self.store, self.store_path, self._guard = store, store.path, guard
        city = city_beside(self.store_path)
        self.tree.load(self.store_path, city if city.exists() else None)
        self.preferences.remember_store(str(self.store_path))
        self.store_opened.emit()
        self.gaps_changed.emit()

    def plan_store(self, path: Path) -> None:
        """Close the open store; the next check writes a new one here."""
        self.close_store()
        self.store_path = path
        self.store_opened.emit()

    def close_store(self) -> None:
        """Take the layers off the map and close the store."""
        self._undoable.clear()
        self.store_path = None
        if self.store is not None:
            self.tree.remove()
            self._guard.release()
            self.store.close()
            self.store = None
            self.store_closed.emit()

    def needed_store(self) -> Store:
        """The open store.

        Raises
        ------
        CityGapError
            ``no_store`` if none is open.
        """
        if self.store is None:
            raise CityGapError(
                "no_store", "no store is open", remedy="Open a store or the sample city first."
            )
        return self.store

    @property
    def can_undo(self) -> bool:
        """Whether something was done at this desk that is not undone."""
        return bool(self._undoable)

    def act(self, said: str, write: Callable[[Store, str], Any]) -> Any:
        """Write something people say, offer to undo it, and give what `write` gives.

        Parameters
        ----------
        said : str
            What the message bar says once it is done.
        write : callable
            Gets the store and the author.
        """
        store, author = self.needed_store(), self.preferences.signature()
        outcome = write(store, author)
        event = events.last_action(store, author)
        if event is not None:
            self._undoable.append(event)
            self.messages.done(said, lambda: self.undo(event))
        self._tell_change()
        return outcome

    def undo(self, event: Optional[int] = None) -> None:
        """Undo an action of this desk, without `event` the last one; errors become a message."""
        if event is None and self._undoable:
            event = self._undoable[-1]
        if event is None or event not in self._undoable or self.store is None:
            self.messages.info(self.tr("Nothing to undo."))
            return
        try:
            events.undo(self.store, event, self.preferences.signature())
        except CityGapError as error:
            self.messages.error(error)
            return
        self._undoable.remove(event)
        self.messages.info(self.tr("Undone."))
        self._tell_change()

    def ask(self, do: str, args: dict[str, Any], title: str) -> RequestTask:
        """Ask the worker for a command, followed in QGIS's task manager; connect to its signals at once."""
        return self.start(RequestTask(self.client, do, {**args, "lang": self.language}, title))

    def start(self, task: QgsTask) -> Any:
        """Run a task and hold it until it ends."""
        self._tasks.append(task)
        task.taskCompleted.connect(lambda: self._forget(task))
        task.taskTerminated.connect(lambda: self._forget(task))
        QgsApplication.taskManager().addTask(task)
        return task

    def total(self) -> int:
        """How many gaps the open store has."""
        if self.store is None:
            return 0
        return int(self.store.connection.execute("SELECT count(*) FROM gaps").fetchone()[0])

    def read(self, task: StoreReadTask) -> Optional[StoreReadTask]:
        """Read the store: a small one at once, a large one beside the window; then the task is given back."""
        if self.total() > READ_AT_ONCE:
            return self.start(task)
        task.finished(task.run())
        return None

    def shut_down(self) -> None:
        """Cancel what runs, end the worker, close the store."""
        for task in list(self._tasks):
            task.cancel()
        self.client.shutdown()
        self.close_store()
        self.messages.clear()

    def _forget(self, task: QgsTask) -> None:
        if task in self._tasks:
            self._tasks.remove(task)

    def _tell_change(self) -> None:
        self.tree.refresh()
        self.gaps_changed.emit()

    def _on_worker(self, missing: Optional[CityGapError]) -> None:
        self.missing = missing
        self.worker_known.emit()

    def _on_request_failed(self, _request_id: int, error: CityGapError) -> None:
        if error.code == "no_worker":
            self._on_worker(error)
