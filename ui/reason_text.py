"""What a rule lacked, in the language of the screen."""

from __future__ import annotations

import re

from ..model.words import word, words

_ROLES = re.compile(r"no (.+) given")


def lacking_text(text: str, language: str) -> str:
    """The engine's words for what is lacking; in Chinese by the table of words, else as they are.

    Examples
    --------
    >>> lacking_text("no pipes and no housing given", "zh")
    '地下管线、老旧住房'
    """
    if language != "zh" or text in words("lacking"):
        return word("lacking", text, language)
    said = _ROLES.fullmatch(text)
    roles = said.group(1).split(" and no ") if said else []
    if roles and all(role in words("role") for role in roles):
        return "、".join(word("role", role, language) for role in roles)
    return text
