"""[retention] of the collector's configuration: how long what is personal can be read, a term for each kind."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

DAY_NS: Final = 86_400 * 10**9

Days = Annotated[int, Field(strict=True, ge=1, le=3650)]


class RetentionConfig(BaseModel):
    """[retention]: days. A key lives as long as the longest term that was given when something was sealed under it.

    Attributes:
        travellers_days: names, document numbers and dates of birth of manifests, from departure on. They are under the
            traveller's own key, and travelling again lengthens its term.
        pseudonyms_days: the key of a sailing, from departure on: with it a document that is at hand can be recognised
            in manifest and passages of that sailing, and what gates sealed of documents can be read.
        faces_days: pictures of faces among the evidence, from the arrival of their record on; those of a passage with
            a case live as long as the case's text.
        cases_days: what officers wrote in a case, from its decision on; an open case keeps its text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    travellers_days: Days = 90
    pseudonyms_days: Annotated[int, Field(strict=True, ge=1, le=90)] = 7
    faces_days: Days = 30
    cases_days: Days = 1095

    def travellers_until(self, departure_ns: int) -> int:
        """End of a traveller's key for a sailing that leaves at `departure_ns`; nanoseconds since 1970, as all here."""
        return departure_ns + self.travellers_days * DAY_NS

    def pseudonyms_until(self, departure_ns: int) -> int:
        """End of the sailing's key."""
        return departure_ns + self.pseudonyms_days * DAY_NS

    def faces_until(self, received_ns: int) -> int:
        """End of a face's picture whose record came at `received_ns`."""
        return received_ns + self.faces_days * DAY_NS

    def cases_until(self, decided_ns: int) -> int:
        """End of the key of a case that was decided at `decided_ns`."""
        return decided_ns + self.cases_days * DAY_NS
