"""Control orders as people and programs see them: the whole of what is signed, and nothing else."""

from __future__ import annotations

from rich.console import Console

from collector.commands._show import coloured, direction_word, local, plain, table, utc, word
from collector.registers.orders import Known, about
from gate_contract.v1.order_pb2 import ControlOrder, SignedOrder

_MOST_ABOUT = 3  # in one cell of a list
_STYLES = {"active": "bold red", "waiting": "yellow", "expired": "dim", "lifted": "dim", "refused": "bold magenta"}


def show(out: Console, order: ControlOrder, signed: SignedOrder) -> None:
    """Everything that an officer puts their name to."""
    out.print(f"[bold]order {plain(order.order_id)}[/], version {order.version}", highlight=False)
    if order.lifted:
        out.print(f"[bold]lifts it[/]: {plain(order.lift_reason)}", highlight=False)
    fields = table(("", ""))
    fields.show_header = False
    for name, value in (
        ("authority", plain(order.authority)),
        ("legal basis", plain(order.legal_basis)),
        ("deployment", plain(order.deployment or "not named: an older release drafted it")),
        ("given", local(order.issued_unix_ns)),
        ("in force", f"{local(order.valid_from_unix_ns)} to {local(order.expires_unix_ns)}"),
        ("where", plain(", ".join(order.site_ids) or "every site")),
        ("direction", direction_word(order.direction) or "both"),
        ("action", action_words(order)),
        ("instruction", plain(order.instruction or "-")),
        ("", plain(order.instruction_zh)),
        *(("about" if number == 0 else "", plain(each)) for number, each in enumerate(about(order))),
        ("author", plain(signed.author.officer_id or "not signed yet")),
        ("approver", plain(signed.approver.officer_id or "not signed yet")),
    ):
        if name or value:
            fields.add_row(name, value)
    out.print(fields)


def order_json(order: ControlOrder, signed: SignedOrder) -> dict[str, object]:
    """An order with who signed it."""
    return _fields(order) | {"author": signed.author.officer_id, "approver": signed.approver.officer_id}


def known_json(known: Known) -> dict[str, object]:
    """An order that was entered, with how it stands."""
    return _fields(known.order) | {
        "author": known.author,
        "approver": known.approver,
        "standing": known.standing,
        "refused_because": known.reason,
    }


def standing_words(known: Known) -> str:
    """In its colour, with the reason when a gate would not follow it."""
    reason = f": {plain(known.reason)}" if known.reason else ""
    return f"[{_STYLES[known.standing]}]{known.standing}[/]{reason}"


def action_words(order: ControlOrder) -> str:
    """What it asks for, in colour."""
    return coloured(order.action)


def about_words(order: ControlOrder) -> str:
    """The first things it is about, and how many there are more."""
    things = about(order)
    more = f" and {len(things) - _MOST_ABOUT} more" if len(things) > _MOST_ABOUT else ""
    return ", ".join(things[:_MOST_ABOUT]) + more


def _fields(order: ControlOrder) -> dict[str, object]:
    selectors = []
    for each in order.selectors:
        what = each.WhichOneof("what") or ""
        value = getattr(each, what, "")
        selectors.append({what: value.hex() if isinstance(value, bytes) else value})
    return {
        "order_id": order.order_id,
        "version": order.version,
        "authority": order.authority,
        "legal_basis": order.legal_basis,
        "issued": utc(order.issued_unix_ns),
        "issued_unix_ns": order.issued_unix_ns,
        "valid_from": utc(order.valid_from_unix_ns),
        "valid_from_unix_ns": order.valid_from_unix_ns,
        "expires": utc(order.expires_unix_ns),
        "expires_unix_ns": order.expires_unix_ns,
        "sites": list(order.site_ids),
        "direction": direction_word(order.direction),
        "action": word(order.action),
        "instruction": order.instruction,
        "instruction_zh": order.instruction_zh,
        "about": selectors,
        "lifted": order.lifted,
        "lift_reason": order.lift_reason,
        "deployment": order.deployment,
    }
