"""Open galleries by the clock: found when they come, one sailing at a time, and gone an hour after departure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.app.vision_galleries import OpenGalleries
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.gallery_store import GalleryStore
from edge_agent.vision.faces.lifetime import HOUR, Lifetime
from edge_agent.vision.faces.sailing import SailingKey
from tests.unit.edge_agent.vision.faces.conftest import unit_vector

NOON = 1_800_000_000
NET = Recognised("net", "ab" * 32)


def moment(seconds: float, boot: int = 1) -> Moment:
    """Seconds after noon; the machine has run for a day."""
    return Moment(
        WallNs(round((NOON + seconds) * SECOND)), MonoNs(round((86_400 + seconds) * SECOND)), bytes([boot] * 16), True
    )


def kept(store: GalleryStore, sailing: str, departs_s: float) -> Gallery:
    life = Lifetime.beginning(WallNs(round((NOON + departs_s) * SECOND)), moment(0))
    made = Gallery(sailing, SailingKey.generate(), NET, life)
    made.add("CHN E1", unit_vector(1))
    store.keep(made)
    return made


def test_the_next_sailing_is_open_until_an_hour_after_departure_and_then_the_one_after_it(tmp_path: Path) -> None:
    store, galleries = GalleryStore(tmp_path), OpenGalleries(tmp_path)
    kept(store, "HK-2", 7200)
    kept(store, "HK-1", 600)
    galleries.sweep(moment(1))
    assert galleries.refresh(NET, moment(1))
    first = galleries.next_to_depart
    assert first is not None
    assert (first.sailing, len(first)) == ("HK-1", 1)

    last = 600 + HOUR / SECOND - 0.5
    assert not galleries.over(moment(last))
    galleries.sweep(moment(last))
    assert galleries.next_to_depart is first

    assert galleries.over(moment(last + 1))
    galleries.sweep(moment(last + 1))
    assert first.key.destroyed
    assert len(first) == 0
    assert [each.sailing for each in store.sailings()] == ["HK-2"]
    second = galleries.next_to_depart
    assert second is not None
    assert second.sailing == "HK-2"


def test_a_gallery_that_only_lies_on_the_disk_is_destroyed_within_seconds(tmp_path: Path) -> None:
    store, galleries = GalleryStore(tmp_path), OpenGalleries(tmp_path)
    kept(store, "HK-1", 600)
    galleries.sweep(moment(600 + 3600 - 5))  # never opened: the models cannot be used
    assert len(list(tmp_path.iterdir())) == 2
    galleries.sweep(moment(600 + 3600 + 5))

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_opened_again_while_nothing_changed(tmp_path: Path) -> None:
    store, galleries = GalleryStore(tmp_path), OpenGalleries(tmp_path)
    galleries.sweep(moment(0))
    assert galleries.refresh(NET, moment(0))  # there is none, and that is said once
    assert not galleries.refresh(NET, moment(1))
    kept(store, "HK-1", 600)
    assert galleries.refresh(NET, moment(2))
    assert not galleries.refresh(NET, moment(3))
    store.destroy("HK-1")
    assert galleries.refresh(NET, moment(4))
    assert galleries.next_to_depart is None


def test_what_cannot_be_destroyed_is_told_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(GalleryStore, "sweep", refused)
    with pytest.raises(GalleryError, match="chown"):
        OpenGalleries(tmp_path).sweep(moment(0))
