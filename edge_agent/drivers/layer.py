"""The base of every table of a profile: frozen, and strict about its keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


class Layer(BaseModel):
    """One table of a profile. Frozen; a key it does not know is an error that names the closest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known:
                fix = closest(str(key), known)
                raise PydanticCustomError("unknown_key", "unknown key. {fix}", {"key": str(key), "fix": fix})
        return data


def closest(word: str, known: list[str]) -> str:
    """The likely fix for a word that is none of `known`: the closest one, or all of them."""
    match = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{match[0]}'?" if match else f"Known here: {', '.join(sorted(known))}"
