"""What all followers share: one look at the database for all of them, and slices that are made and signed once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, select

from collector.downlink.contents import Contents, ManifestSent, next_contents, reference_end
from collector.downlink.slices import Position
from collector.errors import CollectorError, EnrolmentError, StoreError
from collector.store import schema
from collector.store.engine import Store
from gate_contract.checkpoint import Signer
from gate_contract.reference import key_digest, sign_slice, slice_origin
from gate_contract.v1.reference_pb2 import FollowResponse, SailingKey, Slice

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.2
"""Between two looks for what is new; files are imported by other programs, which cannot tell this one."""

REVOKED_EVERY_S: Final = 1.0
"""Between two looks for gates whose key was revoked."""

QUIET_S: Final = 1.0
"""Without news a slice without entries goes out so often, and tells a gate that it has all."""

QUIET_FOR_S: Final = 0.5
"""Such a slice is one for all who are as far and ask within so long."""

MOST_QUIET: Final = 1_024
"""Such slices kept, one a site and position."""

LOOKED_WITHIN_S: Final = 2.0
"""A database that was not looked at for so long may hold news: nobody is told that he has all."""

KEPT_S: Final = 5.0
MOST_KEPT_BYTES: Final = 32 * 1024 * 1024
"""How long a slice is kept for others that are as far, and how many bytes all have together; the oldest goes first."""

SECOND: Final = 1_000_000_000

_log = structlog.get_logger()


class Term(Protocol):
    """What is known of a key."""

    @property
    def expires_ns(self) -> int:
        """To be destroyed from then on, nanoseconds since 1970-01-01T00:00:00Z; 0: no term."""


class SailingKeys(Protocol):
    """A key store (collector.privacy.keystore.KeyStore)."""

    def key(self, key_id: str) -> bytes | None:
        """The key; None when there is none (any more)."""

    def entry(self, key_id: str) -> Term | None:
        """What is known of it; None when there is none (any more)."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next slice from a position on, and where it leads.

    Attributes:
        response: as it is sent.
        position: after it, packed.
        empty: nothing is in it.
        complete: nothing more was there when it was made.
    """

    response: FollowResponse
    position: int
    empty: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    made_s: float
    bytes: int
    step: asyncio.Task[Step]


class Feed:
    """Slices for whoever follows. Used on one event loop; reads the database in threads."""

    def __init__(
        self,
        store: Store,
        deployment: str,
        signer: Signer,
        open_keys: Callable[[], AbstractContextManager[SailingKeys]],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`signer` is the receipts'; `open_keys` opens the key store for a moment; `clock` gives Unix nanoseconds."""
        self._store, self._deployment, self._signer = store, deployment, signer
        self._open_keys, self._clock = open_keys, clock
        self._followers: dict[object, str] = {}
        self._looking: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._end, self._looked_s = 0, 0.0
        self._revoked: dict[str, str] = {}
        self._problem: StoreError | None = None
        self._kept: OrderedDict[tuple[str, int, int, int], _Kept] = OrderedDict()
        self._kept_bytes = 0
        self._quiets: OrderedDict[tuple[str, int, int], tuple[float, FollowResponse]] = OrderedDict()

    @asynccontextmanager
    async def following(self, origin: str) -> AsyncIterator[None]:
        """While a gate follows: the database is looked at for as long as anybody does."""
        me = object()
        self._end = max(self._end, await self.read(reference_end))
        self._problem, self._looked_s = None, time.monotonic()
        self._followers[me] = origin
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            del self._followers[me]

    async def steps(self, origin: str, site_id: str, position: int) -> AsyncGenerator[FollowResponse, None]:
        """Slices of a site from `position` on, without end.

        Raises EnrolmentError when the gate `origin` was revoked meanwhile, StoreError when the database cannot be read.
        """
        sent_s = -QUIET_S
        while True:
            changed = self._changed
            self._refuse(origin)
            step, now_s = await self._next(site_id, position), time.monotonic()
            quiet_is_due = now_s - sent_s >= QUIET_S and now_s - self._looked_s < LOOKED_WITHIN_S
            if not step.empty or not step.complete or quiet_is_due:
                yield self._quiet(site_id, position, step) if step.empty else step.response
                position, sent_s = step.position, now_s
            if step.complete:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), max(LOOK_EVERY_S, sent_s + QUIET_S - now_s))

    async def read(self, look: Callable[[Connection], T]) -> T:
        """One transaction, off the event loop."""

        def read() -> T:
            with self._store.read() as connection:
                return look(connection)

        return await asyncio.to_thread(read)

    # --- looking -------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Look for what is new while anybody follows."""
        revoked_s = 0.0
        while self._followers:
            try:
                end = await self.read(reference_end)
                if time.monotonic() - revoked_s >= REVOKED_EVERY_S:
                    self._revoked, revoked_s = await self.read(_revoked), time.monotonic()
            except StoreError as error:
                _log.error("reference data cannot be read", cause=str(error))
                self._problem = error
                self._wake()
            else:
                self._looked_s = time.monotonic()
                if end > self._end or self._problem or not self._revoked.keys().isdisjoint(self._followers.values()):
                    self._end, self._problem = max(end, self._end), None
                    self._wake()
            await asyncio.sleep(LOOK_EVERY_S)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _refuse(self, origin: str) -> None:
        if self._problem is not None:
            raise self._problem
        if self._looking is None or self._looking.done():
            raise StoreError("nobody looks for new reference data")
        if origin in self._revoked:
            raise EnrolmentError(f"the journal {origin} was revoked", cause=self._revoked[origin])

    # --- making --------------------------------------------------------------------------------------------------

    async def _next(self, site_id: str, position: int) -> Step:
        """The next slice, made once for all who are as far."""
        now_ns, now_s = self._clock(), time.monotonic()
        start = Position.parse(position).resumed(self._end, now_ns)
        key = (site_id, position, self._end, start.pack())
        self._forget(now_s)
        if key not in self._kept:
            making = asyncio.create_task(self._make(site_id, position, start, self._end))
            self._kept[key] = _Kept(now_s, 0, making)
            making.add_done_callback(lambda task: self._made(key, task))
        # One follower that goes away must not take it from the others.
        return await asyncio.shield(self._kept[key].step)

    def _made(self, key: tuple[str, int, int, int], task: asyncio.Task[Step]) -> None:
        kept = self._kept.get(key)
        if kept is None or kept.step is not task:
            return
        if task.cancelled() or task.exception() is not None:
            del self._kept[key]
        else:
            self._kept[key] = _Kept(kept.made_s, task.result().response.ByteSize(), task)
            self._kept_bytes += self._kept[key].bytes

    def _forget(self, now_s: float) -> None:
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if now_s - oldest.made_s < KEPT_S and self._kept_bytes <= MOST_KEPT_BYTES:
                return
            self._kept.popitem(last=False)
            self._kept_bytes -= oldest.bytes

    async def _make(self, site_id: str, position: int, start: Position, end: int) -> Step:
        def make(connection: Connection) -> Contents:
            return next_contents(connection, site_id, start, end)

        contents = Contents(start) if start.index >= end else await self.read(make)
        for index in contents.too_large:
            _log.error("an entry is too large for any gate", ledger_index=index, site=site_id)
        complete = contents.position.index >= end
        keys = await asyncio.to_thread(self._sailing_keys, contents.manifests) if contents.manifests else []
        made = Slice(
            site_id=site_id,
            from_position=position,
            position=contents.position.pack(),
            declarations=contents.declarations,
            items=contents.items,
            complete=complete,
            made_unix_ns=self._clock(),
            key_digests=map(key_digest, keys),
        )
        return Step(self._signed(made, keys), made.position, contents.empty, complete)

    def _quiet(self, site_id: str, position: int, step: Step) -> FollowResponse:
        """A slice without entries, of now."""
        key, now_s = (site_id, position, step.position), time.monotonic()
        made_s, response = self._quiets.get(key, (-QUIET_FOR_S, step.response))
        if now_s - made_s < QUIET_FOR_S:
            return response
        made = Slice(
            site_id=site_id,
            from_position=position,
            position=step.position,
            complete=step.complete,
            made_unix_ns=self._clock(),
        )
        self._quiets[key] = now_s, self._signed(made, [])
        self._quiets.move_to_end(key)
        while len(self._quiets) > MOST_QUIET:
            self._quiets.popitem(last=False)
        return self._quiets[key][1]

    def _signed(self, made: Slice, keys: list[SailingKey]) -> FollowResponse:
        data, origin = made.SerializeToString(deterministic=True), slice_origin(self._deployment, made.site_id)
        note = sign_slice(data, made.position, origin, self._signer, made.made_unix_ns // SECOND)
        return FollowResponse(slice=data, note=note, keys=keys)

    def _sailing_keys(self, manifests: list[ManifestSent]) -> list[SailingKey]:
        """Those that are there; without them a gate knows nobody on the manifest, and all else goes on."""
        try:
            with self._open_keys() as keys:
                return [found for each in manifests if (found := _sailing_key(keys, each)) is not None]
        except CollectorError as error:
            _log.error("keys of sailings cannot be read", cause=str(error))
            return []


def _sailing_key(keys: SailingKeys, manifest: ManifestSent) -> SailingKey | None:
    key, term = keys.key(manifest.key_id), keys.entry(manifest.key_id)
    if key is None or term is None:
        return None
    ends = [each for each in (term.expires_ns, manifest.expires_unix_ns) if each]
    return SailingKey(
        key_id=manifest.key_id, sailing_id=manifest.sailing_id, key=key, expires_unix_ns=min(ends, default=0)
    )


def _revoked(connection: Connection) -> dict[str, str]:
    """Journals whose key was revoked, with the operator's reason."""
    table = schema.journals.c
    rows = connection.execute(select(table.origin, table.revoked_reason).where(table.revoked_ns.is_not(None)))
    return {row.origin: row.revoked_reason or "" for row in rows}
