"""The groups that an office's numbers are kept in."""

from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.groups import CLASSES, GROUPS_AT_MOST, Groups

_names = st.sampled_from([*CLASSES, "partner", "own"])
_splits = st.lists(st.none() | _names, max_size=12)


def test_numbers_for_any_class_are_grouped_by_the_class_that_they_were_leased_to_last() -> None:
    groups = Groups.of([None, None])
    assert groups.group_of(None, None) == 1
    assert groups.group_of(None, "direct") == groups.last_leased("direct") == 2
    assert groups.group_of(None, "organic") == 3
    assert groups.own("direct") == 0


def test_a_class_that_is_split_off_has_its_own_group() -> None:
    groups = Groups.of(["social", "organic", None])
    assert [groups.own(name) for name in ("organic", "social", "direct")] == [1, 2, 0]
    assert groups.group_of("social", "direct") == 2


@given(_splits, _names, st.none() | _names)
def test_every_number_has_a_group(split: list[str | None], number_class: str, last_class: str | None) -> None:
    groups = Groups.of(split)
    assert groups.count <= GROUPS_AT_MOST
    for of in (number_class if number_class in split else None, None):
        assert 1 <= groups.group_of(of, last_class) <= groups.count


@given(_splits, _names)
def test_numbers_for_any_class_never_join_a_class_s_own(split: list[str | None], last_class: str) -> None:
    groups = Groups.of(split)
    assert groups.group_of(None, None) > len(groups.fixed)
    assert groups.last_leased(last_class) > len(groups.fixed) + 1
