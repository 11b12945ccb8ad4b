"""What CityGap's algorithms share: names, texts, errors and the way to the worker."""

from __future__ import annotations

from typing import Any, Callable

from qgis.core import QgsApplication, QgsProcessingAlgorithm, QgsProcessingException, QgsProcessingFeedback
from qgis.PyQt.QtCore import QCoreApplication

from ..link.wait import ask_worker
from ..model.errors import Cancelled, CityGapError


class CityGapAlgorithm(QgsProcessingAlgorithm):
    """An algorithm with the name of a command of the console.

    A subclass gives `command`, `displayName`, `initAlgorithm` and `perform`.
    """

    command = ""

    def name(self) -> str:
        """Part of the algorithm's id after the colon: the command without dashes."""
        return self.command.replace("-", "")

    def createInstance(self) -> CityGapAlgorithm:  # noqa: N802 - QGIS's name
        """A new instance, as QGIS asks for each run."""
        return type(self)()

    def tr(self, text: str) -> str:
        """The text in QGIS's language."""
        return QCoreApplication.translate(type(self).__name__, text)

    def processAlgorithm(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:  # noqa: N802
        """Perform the command; what the user can act on becomes one line."""
        try:
            return self.perform(parameters, context, feedback)
        except Cancelled:
            return {}
        except CityGapError as error:
            raise QgsProcessingException(error.line()) from error

    def perform(self, parameters: Any, context: Any, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Perform the command and give the outputs; raises CityGapError."""
        raise NotImplementedError


def ask(do: str, args: dict[str, Any], feedback: QgsProcessingFeedback) -> Any:
    """What a command gives, by a worker of this run's own.

    Raises
    ------
    CityGapError
        ``no_worker`` where no Python can run it, and whatever the command raises.
    Cancelled
    """
    return ask_worker(
        do,
        {**args, "lang": language()},
        is_cancelled=feedback.isCanceled,
        on_progress=lambda progress: feedback.setProgress(100 * float(progress.get("share", 0))),
    )


def or_here(feedback: QgsProcessingFeedback, by_worker: Callable[[], Any], here: Callable[[], Any]) -> Any:
    """What the worker gives; where there is none, what QGIS's own process can give."""
    try:
        return by_worker()
    except CityGapError as error:
        if error.code != "no_worker":
            raise
        feedback.pushInfo(error.line())
        return here()


def language() -> str:
    """``zh`` where QGIS speaks Chinese, else ``en``."""
    return "zh" if QgsApplication.locale().startswith("zh") else "en"


def user_name() -> str:
    """Who acts, as the system knows them."""
    return QgsApplication.userFullName() or QgsApplication.userLoginName()
