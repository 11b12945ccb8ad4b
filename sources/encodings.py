"""Which encoding the text of a dBASE or CSV file is in."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import NamedTuple, Optional

SAMPLE_BYTES = 4 << 20
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LDID = {
    0x4D: "GBK",
    0x7A: "GBK",
    0x4F: "Big5",
    0x78: "Big5",
    0x4E: "CP949",
    0x79: "CP949",
    0x13: "CP932",
    0x7B: "CP932",
    0x01: "CP437",
    0x02: "CP850",
    0x03: "CP1252",
    0x58: "CP1252",
    0x59: "CP1252",
}
"""Language driver byte of a dBASE file to encoding (GDAL, shapefile driver); 0 and 0x57 declare nothing."""
_LEVEL_1 = {"GB18030": (0xB0, 0xD7), "Big5": (0xA4, 0xC6)}
"""Lead bytes of the everyday characters (GB 2312 level 1, Big5 level 1)."""


class Encoding(NamedTuple):
    """A Python codec name, and whether the file itself declares it."""

    name: str
    declared: bool


def dbf_encoding(path: Path) -> Encoding:
    """Encoding of a ``.dbf`` by its ``.cpg``, its language driver byte, else by its bytes."""
    declared = _cpg(path)
    with open(path, "rb") as file:
        head = file.read(32)
        sample = file.read(SAMPLE_BYTES)
    if declared:
        return Encoding(declared, declared=True)
    if len(head) == 32 and head[29] in _LDID:
        return Encoding(_LDID[head[29]], declared=True)
    return Encoding(guess_encoding(_dbf_text(head, sample)), declared=False)


def text_encoding(path: Path) -> Encoding:
    """Encoding of a text file: by its byte order mark, else by its bytes."""
    with open(path, "rb") as file:
        sample = file.read(SAMPLE_BYTES)
    if sample.startswith(b"\xef\xbb\xbf"):
        return Encoding("utf-8-sig", declared=True)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Encoding("utf-16", declared=True)
    if len(sample) == SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1]
    return Encoding(guess_encoding(sample), declared=False)


def guess_encoding(sample: bytes) -> str:
    """UTF-8 if it can be; CP1252 where high bytes stand alone; else the likelier of GB18030 and Big5."""
    if _decodes(sample, "utf-8"):
        return "UTF-8"
    runs = _HIGH_RUN.findall(sample)
    if sum(len(run) == 1 for run in runs) * 2 > len(runs) and not _decodes(sample, "big5"):
        return "CP1252"
    shares = {name: _everyday_share(sample, name) for name in _LEVEL_1}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > 0 else "CP1252"


def _cpg(path: Path) -> Optional[str]:
    for suffix in (".cpg", ".CPG", ".cst"):
        beside = path.with_suffix(suffix)
        if beside.is_file():
            name = beside.read_text(encoding="ascii", errors="replace").strip().strip('"')
            return _codec(name)
    return None


def _codec(name: str) -> Optional[str]:
    """A codec Python knows for a ``.cpg`` word such as ``65001``, ``936``, ``ANSI 1252`` or ``Big-5``."""
    word = name.upper().replace("ANSI", "").strip().lstrip("CP").strip() if name else ""
    known = {"65001": "UTF-8", "936": "GBK", "54936": "GB18030", "950": "Big5", "BIG-5": "Big5", "OEM": None}
    for candidate in (known.get(word), name, f"cp{word}"):
        if candidate:
            try:
                "".encode(candidate)
            except LookupError:
                continue
            return candidate
    return None


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        sample.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _dbf_text(head: bytes, body: bytes) -> bytes:
    """Field names and text cells of a dBASE file, one a line, each cut back to whole bytes pairs."""
    if len(head) < 32:
        return b""
    header_length, record_length = struct.unpack("<HH", head[8:12])
    descriptors = body[: max(header_length - 32, 0)]
    names = [descriptors[i : i + 11].split(b"\0")[0] for i in range(0, len(descriptors) - 31, 32)]
    cells = body[max(header_length - 32, 0) :]
    if record_length == 0:
        return b"\n".join(names)
    parts = [part for part in re.split(rb"[ \x00]{2,}|\x1a", cells) if part.strip()]
    return b"\n".join([*names, *(part for part in parts if _HIGH_RUN.search(part))])


def _everyday_share(sample: bytes, codec: str) -> float:
    """Share of the decoded characters beyond ASCII that are everyday ones; broken bytes count against it."""
    text = sample.decode(codec, errors="replace")
    beyond = [character for character in text[:200_000] if ord(character) > 127]
    if not beyond:
        return 0.0
    low, high = _LEVEL_1[codec]
    narrow = "gb2312" if codec == "GB18030" else "big5"
    codes = [character.encode(narrow, errors="ignore") for character in beyond]
    return sum(len(code) == 2 and low <= code[0] <= high for code in codes) / len(beyond)
