"""A descent as JSON: however deep it is, and each of its nodes' inputs once, though many ways may lead to it."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import fields

from lineal.questions.trace import Node, made_of

_OWN = [each.name for each in fields(Node) if each.name != "inputs"]


def descent_json(top: Node) -> str:
    """A node and all below it; `above` says that a node's inputs stand with it elsewhere, and not here."""
    keeper = _keepers(top)
    parts: list[str] = []
    waiting: list[tuple[Node, int] | str] = [(top, 0)]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            parts.append(each)
            continue
        node, parent = each
        above = bool(node.inputs) and keeper[id(node)] != parent
        own = {name: getattr(node, name) for name in _OWN} | {"above": above}
        parts.append(f'{json.dumps(own, ensure_ascii=False)[:-1]}, "inputs": [')
        waiting.append("]}")
        for place, child in reversed(list(enumerate(() if above else node.inputs))):
            waiting += [(child, id(node)), *([", "] if place else [])]
    return "".join(parts)


def _keepers(top: Node) -> dict[int, int]:
    """Below which node each has its inputs: nearest to the top, and of equals below what was made of it."""
    found = {id(top): 0}
    waiting = deque([top])
    while waiting:
        node = waiting.popleft()
        for child in (*made_of(node.version, node.inputs), *node.inputs):
            if id(child) not in found:
                found[id(child)] = id(node)
                waiting.append(child)
    return found
