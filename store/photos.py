"""Photos: kept by content in a folder beside the store."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

from ..model.errors import CityGapError
from ..model.identity import ulid

if TYPE_CHECKING:
    from .database import Store

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif")


class Photo(NamedTuple):
    """A photo in the folder. `path` is relative to it, with forward slashes."""

    path: str
    sha256: str
    name: str
    bytes: int


def check_photos(paths: Sequence[Union[str, Path]]) -> list[tuple[Path, str]]:
    """Each photo with the suffix its first bytes call for.

    Raises
    ------
    CityGapError
        ``bad_photo`` naming the first that is missing, empty or no JPEG, PNG, HEIC, WebP, TIFF or GIF.
    """
    checked = []
    for path in map(Path, paths):
        try:
            with open(path, "rb") as file:
                head = file.read(16)
        except OSError as error:
            raise _bad(path, "the photo can not be read") from error
        suffix = _suffix(head)
        if suffix is None:
            raise _bad(path, "the file is no photo" if head else "the photo is empty")
        checked.append((path, suffix))
    return checked


def _bad(path: Path, message: str) -> CityGapError:
    return CityGapError(
        "bad_photo", message, file=str(path), remedy="Name a JPEG, PNG, HEIC, WebP, TIFF or GIF file."
    )


def _suffix(head: bytes) -> Optional[str]:
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return ".heic"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ".webp"
    if head.startswith((b"II*\0", b"MM\0*")):
        return ".tif"
    return ".gif" if head.startswith((b"GIF87a", b"GIF89a")) else None


def keep_photos(store: Store, checked: Sequence[tuple[Path, str]]) -> tuple[list[Photo], list[Path]]:
    """Copy photos into the folder; the same content is kept once.

    Returns
    -------
    list of Photo
        One for each different content, in the order given.
    list of Path
        The files that are new, for a caller who has to take the copies back.

    Raises
    ------
    CityGapError
        ``bad_photo`` if a copy fails; the copies made so far are taken back.
    """
    photos: dict[str, Photo] = {}
    made: list[Path] = []
    for path, suffix in checked:
        try:
            photo, target = _keep(store.photo_folder, path, suffix)
        except OSError as error:
            discard(made)
            raise _bad(path, f"the photo can not be copied to {store.photo_folder}") from error
        photos.setdefault(photo.sha256, photo)
        made += [target] if target else []
    return list(photos.values()), made


def _keep(folder: Path, path: Path, suffix: str) -> tuple[Photo, Optional[Path]]:
    """Copy beside, then rename, so that a file under a photo's name is always whole."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{ulid()}"
    try:
        shutil.copyfile(path, partial)
        digest = _sha256(partial)
        size = partial.stat().st_size
        relative = f"{digest[:2]}/{digest}{suffix}"
        target = folder / relative
        photo = Photo(relative, digest, path.name, size)
        if target.exists():
            return photo, None
        target.parent.mkdir(exist_ok=True)
        partial.replace(target)
        return photo, target
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def discard(made: Sequence[Path]) -> None:
    """Take back copies that no note will name."""
    for path in made:
        path.unlink(missing_ok=True)


def photo_file(store: Store, path: str) -> Path:
    """The file of a photo by the path its note holds; paths are data and may not leave the folder.

    Raises
    ------
    CityGapError
        ``bad_photo`` if the path leads out of the folder.
    """
    folder = store.photo_folder.resolve()
    file = (folder / path).resolve()
    if folder not in file.parents:
        raise _bad(Path(path), "the path of the photo leads out of the store's folder")
    return file
