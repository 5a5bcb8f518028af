from edge_agent.vision.characters import Character
from edge_agent.vision.containers import slots
from edge_agent.vision.containers.slots import choose, described, mixed, slot
from gate_contract import iso6346


def row(text: str, **others: tuple[str, float]) -> tuple[slots.Slot, ...]:
    """Slots of a number read surely; p6=("8", 0.3) puts a second choice in place 6."""
    made = []
    for place, character in enumerate(text):
        other = others.get(f"p{place}")
        made.append(((character, 1 - other[1]), other) if other else ((character, 0.99),))
    return tuple(made)


def test_a_right_check_digit_leaves_the_number_as_it_was_read() -> None:
    chosen = choose(row("TGBU7083337", p4=("1", 0.4)))

    assert (chosen.text, chosen.valid, chosen.changed) == ("TGBU7083337", True, 0)


def test_the_check_digit_chooses_a_character_that_was_also_seen() -> None:
    chosen = choose(row("NSKU4135329", p0=("M", 0.35)))

    assert (chosen.text, chosen.valid, chosen.changed) == ("MSKU4135329", True, 1)
    assert min(chosen.confidences) == 0.35


def test_a_character_hardly_seen_is_not_chosen() -> None:
    chosen = choose(row("NSKU4135329", p0=("M", 0.1)))

    assert (chosen.text, chosen.valid) == ("NSKU4135329", False)


def test_two_valid_numbers_alike_likely_leave_the_choice_to_a_person() -> None:
    wrong = "TGBU7083387"
    fixes = [
        (place, digit)
        for place in range(4, 11)
        for digit in "0123456789"
        if digit != wrong[place] and iso6346.is_valid(wrong[:place] + digit + wrong[place + 1 :])
    ]
    (first, one), (second, other) = fixes[:2]

    chosen = choose(row(wrong, **{f"p{first}": (one, 0.3), f"p{second}": (other, 0.28)}))

    assert (chosen.text, chosen.valid) == (wrong, False)


def test_two_characters_are_never_turned_at_once() -> None:
    assert not choose(row("NGBU7083332", p0=("T", 0.4), p10=("7", 0.4))).valid


def test_a_missing_check_digit_is_never_computed() -> None:
    chosen = choose(row("TGBU708333"))

    assert (chosen.text, chosen.valid) == ("TGBU708333", False)


def test_a_place_where_nothing_of_its_kind_was_seen_is_a_question_mark() -> None:
    chosen = choose((*row("TGBU708333"), ()))

    assert (chosen.text, chosen.valid, chosen.confidences[-1]) == ("TGBU708333?", False, 0.0)


def test_a_letter_where_a_digit_stands_is_the_digit_it_looks_like() -> None:
    assert slot(Character("O", 0.9), slots.DIGITS)[0][0] == "0"
    assert slot(Character("8", 0.9), slots.LETTERS)[0][0] == "B"
    assert slot(Character("X", 0.9), slots.DIGITS) == ()


def test_what_the_reader_saw_itself_goes_before_lookalikes() -> None:
    choices = slot(Character("S", 0.5, (("8", 0.45),)), slots.DIGITS)

    assert [text for text, _ in choices] == ["8", "5"]


def test_looks_are_mixed_place_by_place() -> None:
    together = mixed([((("M", 0.6), ("N", 0.4)),), ((("N", 1.0),),)])

    assert together == ((("N", 0.7), ("M", 0.3)),)


def test_described_characters_keep_what_else_was_seen() -> None:
    slots_read = row("NSKU4135329", p0=("M", 0.35))
    characters = described(slots_read, choose(slots_read))

    assert "".join(character.text for character in characters) == "MSKU4135329"
    assert characters[0].alternatives == (("N", 0.65),)
