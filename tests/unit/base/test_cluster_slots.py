"""Who has a slot, when the nodes of a cluster do not say the same."""

from typing import Any

from callease.base.cluster_slots import Claim, claims, owners

A, B, C = ("a", 1), ("b", 2), ("c", 3)
ALL = ((0, 16_383),)


def test_the_newer_claim_counts_whoever_is_heard_first() -> None:
    """A was cut off, and B was promoted meanwhile."""
    heard = [Claim(A, 1, True, ALL), Claim(B, 7, True, ALL)]
    assert set(owners(heard)) == set(owners(reversed(heard))) == {B}


def test_of_a_node_that_does_not_answer_the_others_are_believed() -> None:
    heard = [Claim(A, 1, False, ((0, 9),)), Claim(B, 2, True, ((10, 16_383),))]
    assert owners(heard) == [A] * 10 + [B] * 16_374


def test_of_a_node_that_answers_the_others_are_not_believed() -> None:
    """A slot was given back by hand: C has not heard of it, because the older claim is not news to it."""
    heard = [Claim(A, 1, True, ((5, 5),)), Claim(B, 9, True, ()), Claim(B, 9, False, ((5, 5),)), Claim(C, 3, True, ())]
    assert owners(heard)[4:7] == [None, A, None]


def test_what_a_node_tells() -> None:
    def node(flags: str, *slots: list[str], epoch: str = "1") -> dict[str, Any]:
        return {"flags": flags, "slots": list(slots), "epoch": epoch}

    told = {
        ":7000": node("myself,master", ["0", "5"], ["7"], epoch="4"),
        "10.0.0.2:7001": node("master,fail", ["8", "9"]),
        "[2001:db8::7]:7002": node("slave"),
        ":0": node("master,noaddr", ["6"]),
    }
    assert claims(told, ("asked", 1)) == [
        Claim(("asked", 7000), 4, True, ((0, 5), (7, 7))),
        Claim(("10.0.0.2", 7001), 1, False, ((8, 9),)),
        Claim(("2001:db8::7", 7002), 1, False, ()),
    ]
