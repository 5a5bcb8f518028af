"""Galleries on a gate's disk: they survive a restart and not their sailing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_agent.model.moment import SECOND, Moment, WallNs
from edge_agent.vision.faces.gallery import Gallery, Recognised
from edge_agent.vision.faces.gallery_store import GalleryStore
from edge_agent.vision.faces.lifetime import Lifetime
from edge_agent.vision.faces.sailing import SailingKey

NOON, HOUR = 1_800_000_000, 3600
NET = Recognised("net", "ab" * 32)
At = Callable[..., Moment]


@pytest.fixture
def gallery(moment: At, template: Callable[..., np.ndarray]) -> Gallery:
    life = Lifetime.beginning(WallNs((NOON + 2 * HOUR) * SECOND), moment(NOON, 100))
    made = Gallery("SAIL-1", SailingKey.generate(), NET, life)
    made.add("a", template(1))
    return made


def test_a_gallery_survives_a_restart(
    tmp_path: Path, gallery: Gallery, moment: At, template: Callable[..., np.ndarray]
) -> None:
    GalleryStore(tmp_path / "g").keep(gallery)
    loaded = GalleryStore(tmp_path / "g").load(NET, moment(NOON + HOUR, 100 + HOUR))
    assert loaded.refused == []
    assert loaded.galleries[0].search(template(1), 0.94).subject == "a"
    assert loaded.galleries[0].key.pseudonym("a") == gallery.key.pseudonym("a")


def test_an_hour_after_departure_gallery_and_key_are_gone(tmp_path: Path, gallery: Gallery, moment: At) -> None:
    store = GalleryStore(tmp_path / "g", tmp_path / "k")
    store.keep(gallery)
    assert store.sweep(moment(NOON + 3 * HOUR - 1, 100 + 3 * HOUR - 1)) == []
    assert len(store.sweep(moment(NOON + 3 * HOUR, 100 + 3 * HOUR))) == 1
    assert [*(tmp_path / "g").iterdir(), *(tmp_path / "k").iterdir()] == []


def test_a_start_with_a_wrong_clock_destroys_rather_than_keeps(tmp_path: Path, gallery: Gallery, moment: At) -> None:
    GalleryStore(tmp_path).keep(gallery)
    loaded = GalleryStore(tmp_path).load(NET, moment(3, 3, bytes([5]) * 16, synchronised=False))
    assert loaded.galleries == []
    assert list(tmp_path.iterdir()) == []


def test_destroying_overwrites_the_key_before_it_unlinks_it(tmp_path: Path, gallery: Gallery) -> None:
    store = GalleryStore(tmp_path / "g", tmp_path / "k")
    store.keep(gallery)
    (path,) = (tmp_path / "k").iterdir()
    assert path.read_bytes() == gallery.key.stored()
    witness = tmp_path / "witness"
    witness.hardlink_to(path)
    store.destroy("SAIL-1")
    store.destroy("SAIL-1")
    assert witness.read_bytes() == bytes(32)
    assert list((tmp_path / "g").iterdir()) == []


def test_files_are_for_the_agent_alone_and_do_not_name_the_sailing(tmp_path: Path, gallery: Gallery) -> None:
    GalleryStore(tmp_path / "g").keep(gallery)
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "g").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert "SAIL" not in path.name


def test_a_key_without_gallery_a_gallery_without_key_and_halves_are_swept(
    tmp_path: Path, gallery: Gallery, moment: At
) -> None:
    store = GalleryStore(tmp_path)
    store.keep(gallery)
    (kept,) = tmp_path.glob("*.gallery")
    (tmp_path / ("1" * 32 + ".key")).write_bytes(bytes(32))
    (tmp_path / ("2" * 32 + ".gallery")).write_bytes(kept.read_bytes())
    (tmp_path / ("3" * 32 + ".gallery.part")).write_bytes(b"half")
    (tmp_path / ("4" * 32 + ".key.part")).write_bytes(b"half")
    assert len(store.sweep(moment(NOON, 100))) == 4
    assert {path.stem for path in tmp_path.iterdir()} == {kept.stem}


def test_a_gallery_of_a_recogniser_that_was_replaced_is_refused_and_kept_until_it_is_over(
    tmp_path: Path, gallery: Gallery, moment: At
) -> None:
    GalleryStore(tmp_path).keep(gallery)
    loaded = GalleryStore(tmp_path).load(Recognised("new net", "cd" * 32), moment(NOON, 100))
    assert loaded.galleries == []
    assert "templates are of net" in str(loaded.refused[0])
    assert len(list(tmp_path.iterdir())) == 2


def test_keeping_it_again_replaces_it(
    tmp_path: Path, gallery: Gallery, moment: At, template: Callable[..., np.ndarray]
) -> None:
    store = GalleryStore(tmp_path)
    store.keep(gallery)
    gallery.add("b", template(2))
    store.keep(gallery)
    assert len(store.load(NET, moment(NOON, 100)).galleries[0]) == 2
    assert len(list(tmp_path.iterdir())) == 2
