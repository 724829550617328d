"""The way down a descent that is to be shown: what something was made of, what decided on it, and what ends there."""

from __future__ import annotations

from dataclasses import dataclass

from lineal.questions.trace import Node, made_of


@dataclass(frozen=True, slots=True)
class Below:
    """One of a node's inputs.

    Attributes:
        judged: what all that lies here only decided on; None on the way of what something was made of.
        compared: whether it is a model that another was only compared with: its descent is no part of that one's.
    """

    node: Node
    judged: Node | None = None
    compared: bool = False


def below(node: Node, judged: Node | None = None) -> list[Below]:
    """A node's inputs: what it was made of first, then what decided on it.

    Whoever judges a model beside others, such as a champion, reads it and them.

    Args:
        node: whose.
        judged: as `Below.judged` of the node itself.
    """
    made = made_of(node.version, node.inputs)
    rest = [each for each in node.inputs if not _among(each, made)]
    about = made[0] if rest else judged
    if about is None:
        return [Below(each) for each in made]
    same = [each for each in node.inputs if each.version == about.version]
    # A model that came out like the champion is that model all the same, and not the champion.
    own = [each for each in same if each.name == about.name] or same
    beside = any(each.kind == "MODEL" for each in own)
    return [
        Below(each) if _among(each, own) else Below(each, about, compared=beside and each.kind == "MODEL")
        for each in (*made, *rest)
    ]


def _among(node: Node, others: list[Node]) -> bool:
    # Not by what they say: nodes that are equal can have a descent too long to compare.
    return any(node is each for each in others)
