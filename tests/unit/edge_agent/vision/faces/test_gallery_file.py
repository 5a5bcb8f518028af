"""Sealed galleries: as they arrive, and as a gate keeps them."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from edge_agent.model.moment import SECOND, Moment, WallNs
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.gallery_file import open_gallery, read_header, seal_gallery
from edge_agent.vision.faces.lifetime import Lifetime, LifetimeError
from edge_agent.vision.faces.sailing import SailingKey, SealedError

NOON, HOUR = 1_800_000_000, 3600
NET = Recognised("net", "ab" * 32)
At = Callable[..., Moment]


@pytest.fixture
def gallery(moment: At, template: Callable[..., np.ndarray]) -> Gallery:
    life = Lifetime.beginning(WallNs((NOON + 2 * HOUR) * SECOND), moment(NOON, 100))
    made = Gallery("SAIL-1", SailingKey(bytes(range(32))), NET, life)
    made.add("王小明 E123", template(1))
    made.add("b", template(2))
    return made


def key() -> SailingKey:
    return SailingKey(bytes(range(32)))


def test_a_gallery_survives_being_sealed(gallery: Gallery, moment: At, template: Callable[..., np.ndarray]) -> None:
    data = seal_gallery(gallery)
    again = open_gallery(data, key(), NET, moment(NOON + HOUR, 100 + HOUR), kept=True)
    assert again.search(template(1), 0.94).subject == "王小明 E123"
    assert again.search(template(2), 0.94).subject == "b"
    assert again.life == gallery.life


def test_no_subject_and_no_template_can_be_read_from_it(gallery: Gallery, template: Callable[..., np.ndarray]) -> None:
    data = seal_gallery(gallery)
    assert "王小明".encode() not in data
    assert json.dumps("王小明").encode() not in data
    assert template(1).tobytes()[:16] not in data
    assert read_header(data).templates == 2


def test_one_that_arrives_begins_its_life_here(gallery: Gallery, moment: At) -> None:
    here = moment(NOON + HOUR, 5, bytes([9]) * 16)
    arrived = open_gallery(seal_gallery(gallery), key(), NET, here)
    assert arrived.life.made == here
    assert arrived.expired(moment(NOON, 5 + 2 * HOUR, bytes([9]) * 16))


def test_templates_of_another_recogniser_are_refused_by_name(gallery: Gallery, moment: At) -> None:
    with pytest.raises(GalleryError) as caught:
        open_gallery(seal_gallery(gallery), key(), Recognised("other net", "cd" * 32), moment(NOON, 100))
    assert "templates are of net (SHA-256 abababababab)" in str(caught.value)
    assert "other net (SHA-256 cdcdcdcdcdcd) is in use" in str(caught.value)


def test_the_recogniser_cannot_be_relabelled(gallery: Gallery, moment: At) -> None:
    data = seal_gallery(gallery).replace(b"ab" * 32, b"cd" * 32)
    with pytest.raises(SealedError):
        open_gallery(data, key(), Recognised("net", "cd" * 32), moment(NOON, 100))


def test_the_departure_cannot_be_put_off(gallery: Gallery, moment: At) -> None:
    old, new = str((NOON + 2 * HOUR) * SECOND).encode(), str((NOON + 9 * HOUR) * SECOND).encode()
    data = seal_gallery(gallery)
    assert old in data
    with pytest.raises(SealedError):
        open_gallery(data.replace(old, new), key(), NET, moment(NOON, 100), kept=True)


def test_one_that_is_over_opens_no_more(gallery: Gallery, moment: At) -> None:
    over = moment(NOON + 3 * HOUR, 100 + 3 * HOUR)
    with pytest.raises(GalleryError, match="is over"):
        open_gallery(seal_gallery(gallery), key(), NET, over, kept=True)
    with pytest.raises(LifetimeError, match="departed"):
        open_gallery(seal_gallery(gallery), key(), NET, over)


def test_an_empty_gallery_can_be_kept(moment: At) -> None:
    life = Lifetime.beginning(WallNs((NOON + HOUR) * SECOND), moment(NOON, 100))
    empty = Gallery("S", key(), NET, life)
    assert len(open_gallery(seal_gallery(empty), key(), NET, moment(NOON, 100), kept=True)) == 0


def test_damage_anywhere_is_an_error_that_a_person_can_act_on(gallery: Gallery, moment: At) -> None:
    data = seal_gallery(gallery)
    for end in (0, 3, 4, 7, 8, 40, len(data) // 2, len(data) - 1):
        with pytest.raises((GalleryError, SealedError), match="Send the gallery again"):
            open_gallery(data[:end], key(), NET, moment(NOON, 100))
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 0x11
        with pytest.raises((GalleryError, SealedError, LifetimeError)):
            open_gallery(bytes(changed), key(), NET, moment(NOON, 100))


@pytest.mark.parametrize("change", [{"templates": 10**9}, {"numbers": 10**9}, {"templates": -1}, {"format": 2}])
def test_a_header_that_asks_for_too_much_or_is_newer_is_refused(gallery: Gallery, change: dict[str, int]) -> None:
    data = seal_gallery(gallery)
    size = int.from_bytes(data[4:8], "big")
    header = json.dumps(json.loads(data[8 : 8 + size]) | change).encode()
    with pytest.raises(GalleryError, match="no gallery that can be read"):
        read_header(b"TGG1" + len(header).to_bytes(4, "big") + header + data[8 + size :])
