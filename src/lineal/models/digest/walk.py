"""Take a fitted model apart: every value, array and container it is made of, one leaf each."""

from __future__ import annotations

import copyreg
import hashlib
import pickle
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from lineal.errors import EstimatorError
from lineal.models.digest import rules
from lineal.models.digest.table import Leaf, of_leaves
from lineal.models.digest.values import feed, feed_plain, plain

# Above this, a mapping of plain values (a vocabulary, say) is one leaf instead of one a key.
_WIDE = 1000
_NOTHING = hashlib.sha256(b"").hexdigest()
_SPARSE_PARTS = {
    "csr": ("indptr", "indices", "data"),
    "csc": ("indptr", "indices", "data"),
    "bsr": ("indptr", "indices", "data"),
    "coo": ("coords", "data"),
    "dia": ("offsets", "data"),
    "lil": ("rows", "data"),
}


def leaves(model: object) -> tuple[Leaf, ...]:
    """Return what `model` is made of, in a defined order.

    Raises:
        EstimatorError: the model holds what has no lasting identity, naming where.
    """
    walker = _Walker({})
    walker.walk(model, "", given=True)
    return tuple(walker.found)


# The trees of a forest have the same parameters; what is long is not kept.
_SHORT = 64


@lru_cache(maxsize=1024)
def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Walker:
    """Collects leaves, depth first.

    Every step is told whether the value was given by the user (a parameter, at any depth) or made by fitting: a random
    generator is refused as the one and overlooked as the other.

    Args:
        open_: the objects that are being taken apart just now, by `id`, and their depth.
    """

    def __init__(self, open_: dict[int, int]) -> None:
        self.found: list[Leaf] = []
        self._open = open_

    def walk(self, value: Any, path: str, *, given: bool) -> None:
        """Add the leaves of `value`, which stands at `path`."""
        known = plain(value)
        if known is not None:
            tag, dtype, data = known
            digest = _sha256(data) if len(data) <= _SHORT else hashlib.sha256(data).hexdigest()
            self._add(path, tag, dtype, content=digest)
            return
        above = self._open.get(id(value))
        if above is not None:
            # It holds itself: say how many levels up it stands.
            self._add(path, "cycle", "", (len(self._open) - above,))
            return
        self._open[id(value)] = len(self._open)
        try:
            self._take_apart(value, path, given)
        finally:
            del self._open[id(value)]

    def _take_apart(self, value: Any, path: str, given: bool) -> None:
        kind = type(value)
        if isinstance(value, np.ma.MaskedArray):
            self._masked(value, path, given)
        elif isinstance(value, (np.ndarray, np.void)):
            self._array(np.asarray(value), path, given)
        elif kind in (list, tuple):
            self._sequence(kind.__name__, value, path, given)
        elif kind in (set, frozenset):
            self._sequence("set", sorted(value, key=lambda each: self._rank(each, path, given)), path, given)
        elif kind is dict:
            self._mapping("dict", value, path, given)
        elif _is_named(value):
            self._add(path, "module" if kind is ModuleType else "name", _name_of(value, path))
        elif isinstance(value, np.dtype):
            self._add(path, "dtype", str(value.newbyteorder("<")))
        elif rules.is_generator(value):
            self._generator(value, path, given)
        elif rules.is_bunch(kind):
            self._mapping(_name_of(kind, path), value, path, given)
        elif rules.is_frozen_distribution(kind):
            self._add(path, "distribution", _name_of(type(value.dist), path))
            self.walk((value.args, value.kwds), f"{path}.args", given=given)
        elif _is_sparse(value):
            self._sparse(value, path, given)
        else:
            self._object(value, path, given)

    def _add(self, path: str, tag: str, dtype: str, shape: tuple[int, ...] = (), content: str = _NOTHING) -> None:
        self.found.append(Leaf(path, tag, dtype, shape, content))

    def _array(self, array: np.ndarray[Any, Any], path: str, given: bool) -> None:
        if array.dtype.names is not None:
            # Field by field: the bytes between fields are whatever the memory held before.
            self._add(path, "record", ",".join(array.dtype.names), array.shape)
            for name in array.dtype.names:
                self._array(array[name], f"{path}[{name!r}]", given)
            return
        total = hashlib.sha256()
        if array.dtype.kind not in "OT":
            feed(total, array)
        elif not feed_plain(total, array.flat):
            self._add(path, "array", _dtype_name(array.dtype), array.shape)
            for index in np.ndindex(array.shape):
                self.walk(array[index], f"{path}[{', '.join(map(str, index))}]", given=given)
            return
        self._add(path, "array", _dtype_name(array.dtype), array.shape, total.hexdigest())

    def _masked(self, array: Any, path: str, given: bool) -> None:
        mask = np.ma.getmaskarray(array)
        self._add(path, "masked", _dtype_name(array.dtype), array.shape)
        self._array(mask, f"{path}.mask", given)
        # What lies under the mask was never set.
        self._array(np.asarray(array.data)[~mask] if mask.dtype.names is None else array.data, f"{path}.data", given)

    def _sparse(self, matrix: Any, path: str, given: bool) -> None:
        # As it lies: to ask SciPy for a canonical form is to run compiled code on indices that nobody has checked.
        self._add(path, f"sparse {matrix.format}", _name_of(type(matrix), path), tuple(map(int, matrix.shape)))
        for name in _SPARSE_PARTS.get(matrix.format, ()):
            part = getattr(matrix, name)
            self.walk(part if name in ("data", "rows") else _widened(part), f"{path}.{name}", given=given)
        if matrix.format == "dok":
            self.walk(dict(matrix.items()), f"{path}.data", given=given)

    def _sequence(self, tag: str, values: Iterable[Any], path: str, given: bool) -> None:
        values = tuple(values)
        total = hashlib.sha256()
        if feed_plain(total, values):
            self._add(path, tag, "", (len(values),), total.hexdigest())
            return
        self._add(path, tag, "", (len(values),))
        for index, value in enumerate(values):
            self.walk(value, f"{path}[{index}]", given=given)

    def _mapping(self, dtype: str, values: Mapping[Any, Any], path: str, given: bool) -> None:
        ordered = sorted(values.items(), key=lambda item: self._rank(item[0], path, given))
        total = hashlib.sha256()
        if len(values) > _WIDE and feed_plain(total, (part for item in ordered for part in item)):
            self._add(path, "dict", dtype, (len(values),), total.hexdigest())
            return
        self._add(path, "dict", dtype, (len(values),))
        for index, (key, value) in enumerate(ordered):
            if plain(key) is not None:
                self.walk(value, f"{path}[{key!r}]", given=given)
            else:
                self.walk((key, value), f"{path}.items()[{index}]", given=given)

    def _rank(self, value: Any, path: str, given: bool) -> tuple[str, str, bytes]:
        """What sorts values of any types the same way in every process."""
        known = plain(value)
        if known is not None:
            return known
        apart = _Walker(self._open)
        apart.walk(value, path, given=given)
        return "~", "", of_leaves(apart.found).encode()

    def _generator(self, value: Any, path: str, given: bool) -> None:
        if given:
            raise EstimatorError(
                f"{path or 'the model'} is a random generator, which every fit moves on, so that no fit can be made "
                "again; give an integer seed in its place"
            )
        # That there is one; its state is left over from fitting, and without a seed it is the whole process's.
        self._add(path, "generator", _name_of(type(value), path))

    def _object(self, value: Any, path: str, given: bool) -> None:
        kind = type(value)
        reduced = _reduced(value, path)
        if isinstance(reduced, str):
            self._add(path, "name", f"{value.__module__}.{reduced}")
            return
        function, arguments, state, items, pairs = reduced
        self._add(path, "object", _name_of(kind, path))
        if function.__name__.startswith("__pyx_unpickle"):
            # (class, checksum of the class's layout, state)
            arguments = arguments[2:]
        elif arguments and arguments[0] is kind:
            arguments = arguments[1:]
        for index, argument in enumerate(arguments):
            self.walk(argument, f"{path}.args[{index}]", given=given)
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            # How Python gives the state of a class with slots.
            state = {**(state[0] or {}), **state[1]}
        if isinstance(state, dict):
            self._attributes(kind, state, path, given)
        elif state is not None:
            self.walk(rules.without_counters(kind, state), f"{path}.state", given=given)
        if items is not None:
            self.walk(list(items), f"{path}.elements", given=given)
        if pairs is not None:
            self.walk(dict(pairs), f"{path}.items", given=given)

    def _attributes(self, kind: type, state: dict[str, Any], path: str, given: bool) -> None:
        left_out = rules.left_out(kind)
        for name in sorted(state, key=str):
            if name in left_out:
                continue
            value = state[name]
            if name == "cv_results_" and type(value) is dict:
                value = rules.without_times(value)
            # By scikit-learn's convention the underscore tells what fitting made from what the user gave.
            fitted = str(name).startswith("_") or str(name).endswith("_")
            self.walk(value, f"{path}.{name}" if path else str(name), given=given and not fitted)


@lru_cache(maxsize=64)
def _dtype_name(dtype: np.dtype[Any]) -> str:
    # NumPy puts it together anew each time, and a forest has thousands of arrays.
    return dtype.name


def _is_named(value: Any) -> bool:
    if isinstance(value, BuiltinFunctionType):
        # A method of a built-in object is one as well, but no name leads to it.
        return value.__self__ is None or isinstance(value.__self__, ModuleType)
    return isinstance(value, (type, FunctionType, ModuleType, np.ufunc))


def _name_of(value: Any, path: str) -> str:
    """The name by which another process finds a class, function or module."""
    if isinstance(value, ModuleType):
        return value.__name__
    name = getattr(value, "__qualname__", None) or value.__name__
    if "<" in name:
        raise EstimatorError(
            f"{path or 'the model'} holds {name}, a lambda or local definition, which no other process can find by "
            "name; define it at the top level of a module"
        )
    # Not every ufunc knows its module.
    return f"{getattr(value, '__module__', None) or 'ufunc'}.{name}"


def _reduced(value: Any, path: str) -> str | tuple[Any, tuple[Any, ...], Any, Any, Any]:
    """What pickle would take down of an object: function, arguments, state, elements, items; or a global name."""
    reducer = copyreg.dispatch_table.get(type(value))
    try:
        reduced = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    except (TypeError, AttributeError, ValueError, NotImplementedError, pickle.PickleError) as problem:
        raise EstimatorError(
            f"{path or 'the model'} is a {type(value).__qualname__}, which cannot be taken apart or saved "
            f"({problem}); keep it out of the model's attributes"
        ) from problem
    if isinstance(reduced, str):
        return reduced
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return function, arguments, state, items, pairs


def _is_sparse(value: Any) -> bool:
    # Where SciPy was never imported there is no sparse matrix.
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _widened(indices: Any) -> Any:
    """Indices as int64: SciPy picks their width by the platform and the matrix's history."""
    if isinstance(indices, tuple):
        return tuple(map(_widened, indices))
    return np.asarray(indices).astype(np.int64, copy=False)
