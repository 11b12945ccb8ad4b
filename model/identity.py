"""Lasting identity of gaps and of objects without an id."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import string
import time
from collections.abc import Iterable

# What `json.dumps` does with a text: a run of millions of findings would spend seconds on finding that out.
_as_json = json.encoder.encode_basestring

_CROCKFORD = [sign for sign in string.digits + string.ascii_uppercase if sign not in "ILOU"]


def _base32(text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return base64.b32encode(digest).decode("ascii")[:length]


def gap_key(rule_id: str, objects: Iterable[str], discriminator: str = "") -> str:
    """The key of a finding: compact JSON of rule, sorted objects and discriminator.

    Parameters
    ----------
    rule_id : str
        Such as ``N02``.
    objects : iterable of str
        ``role:object_id`` of each object, in any order.
    discriminator : str
        What tells findings of one rule on the same objects apart; empty if nothing does.

    Examples
    --------
    >>> gap_key("N02", ["pipes:P2", "pipes:P1"], "e-s")
    '["N02",["pipes:P1","pipes:P2"],"e-s"]'
    """
    names = ",".join([_as_json(name) for name in sorted(objects)])
    return f"[{_as_json(rule_id)},[{names}],{_as_json(discriminator)}]"


def rule_of(key: str) -> str:
    """The rule of a key.

    Examples
    --------
    >>> rule_of('["D01",["housing:H1"],""]')
    'D01'
    """
    return key.split('"', 2)[1]


def gap_id(rule_id: str, key: str) -> str:
    """The id a gap gets at first sight: the rule and 16 characters of the key's SHA-256.

    Examples
    --------
    >>> gap_id("D01", '["D01",["housing:H1"],""]')
    'D01-BQLEFCEYIFEKS6LZ'
    """
    return f"{rule_id}-{_base32(key, 16)}"


def place_id(role: str, wkt: str) -> str:
    """The id of an object without one: ``~`` and 12 characters made of role and place.

    Parameters
    ----------
    role : str
    wkt : str
        WKT of the normalised geometry in the city CRS with 2 decimals.
    """
    return "~" + _base32(f"{role} {wkt}", 12)


def ulid() -> str:
    """A new 26-character id that sorts by time (https://github.com/ulid/spec)."""
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))
