"""Queries that are built and compiled once, for statements that every question waits for: the ORM
takes several times as long to build and compile one as the database takes to run it. They are
written as any other query, with `Given(0)`, `Given(1)` … where the values go."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property, reduce
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, UpdateQuery

Row = TypeVar("Row", bound=Model)
Compiled = TypeVar("Compiled")


class Given(Expression):
    """The value of this number: a string, a whole number or a truth value, and never None."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return "%s", [self]


class _Compiled:
    def __init__(self, query: Any, connection: BaseDatabaseWrapper) -> None:
        self._compiler = query.get_compiler(connection=connection)
        self._sql, self._params = self._compiler.as_sql()

    def run(self, cursor: Any, values: Sequence[Any]) -> None:
        given = [values[p.number] if isinstance(p, Given) else p for p in self._params]
        cursor.execute(self._sql, given)

    def read(self, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, converted as its fields want it. Django's own `results_iter` finds
        the converters anew each time; no model here has the composite key that it looks for."""
        return [tuple(row) for row in self._compiler.apply_converters(rows, self._converters)]

    @cached_property
    def _converters(self) -> Any:
        return self._compiler.get_converters([column for column, *_ in self._compiler.select])


class _Statement:
    def __init__(self, query: Callable[[], Any]) -> None:
        self._query = query

    def on(self, connection: BaseDatabaseWrapper) -> _Compiled:
        return _once(self, connection, lambda connection: _Compiled(self._query(), connection))


def _once(
    statement: object, connection: BaseDatabaseWrapper, compiled: Callable[[Any], Compiled]
) -> Compiled:
    """Compiled for each connection on first use, and gone with it."""
    prepared: dict[object, Compiled] = vars(connection).setdefault("prepared", {})
    if statement not in prepared:
        prepared[statement] = compiled(connection)
    return prepared[statement]


class Select:
    """The rows of a `values_list`, as tuples."""

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]]) -> None:
        self._statement = _Statement(lambda: rows().query)

    def __call__(self, *values: Any) -> list[tuple[Any, ...]]:
        connection = connections[DEFAULT_DB_ALIAS]
        compiled = self._statement.on(connection)
        with connection.cursor() as cursor:
            compiled.run(cursor, values)
            return compiled.read(cursor.fetchall())


class Update:
    """Sets these fields; how many rows it changed."""

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]], **fields: Any) -> None:
        def query() -> Any:
            chained: Any = rows().query.chain(UpdateQuery)
            chained.add_update_values(fields)
            return chained

        self._statement = _Statement(query)

    def __call__(self, *values: Any) -> int:
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            self._statement.on(connection).run(cursor, values)
            return int(cursor.rowcount)


class Insert(Generic[Row]):
    """A new row, which is given its key; `unless_there`, nothing happens where a constraint has
    it be there already, and a key that the database makes stays unknown."""

    def __init__(self, model: type[Row], *, unless_there: bool = False) -> None:
        meta: Any = model._meta
        self._model, self._unless_there = model, unless_there
        self._fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
        self._key = None if unless_there else meta.auto_field

    def __call__(self, row: Row) -> Row:
        connection = connections[DEFAULT_DB_ALIAS]
        values = [
            field.get_db_prep_save(field.pre_save(row, True), connection) for field in self._fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(_once(self, connection, self._compile), values)
            if self._key is not None:
                (row.pk,) = cursor.fetchone()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return row

    def _compile(self, connection: BaseDatabaseWrapper) -> str:
        on_conflict = OnConflict.IGNORE if self._unless_there else None
        query = InsertQuery(self._model, on_conflict=on_conflict)
        query.insert_values(self._fields, [self._model()], raw=True)
        compiler: Any = query.get_compiler(connection=connection)
        compiler.returning_fields = [self._key] if self._key is not None else None
        ((sql, _),) = compiler.as_sql()
        return str(sql)


class Objects(Generic[Row]):
    """Rows of one model, each with the rows that it refers to by these names; a further one's
    (`a__b`) comes after the one that it hangs on (`a`)."""

    def __init__(self, rows: Callable[[], QuerySet[Row]], **related: type[Model]) -> None:
        self._models: list[tuple[str, Any]] = []

        def select() -> QuerySet[Row, Any]:
            queryset = rows()
            self._models = [("", queryset.model), *related.items()]
            return queryset.values_list(*(c for of in self._models for c in _columns(*of)))

        self._select = Select(select)

    def __call__(self, *values: Any) -> list[Row]:
        return [self._object(row) for row in self._select(*values)]

    def first(self, *values: Any) -> Row | None:
        return next(iter(self(*values)), None)

    def _object(self, row: tuple[Any, ...]) -> Row:
        made: dict[str, Any] = {}
        for name, model in self._models:
            names = _columns("", model)
            made[name] = model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)])
            row = row[len(names) :]
        found: Row = made.pop("")
        for name, other in made.items():
            *path, last = name.split("__")
            setattr(reduce(getattr, path, found), last, other)
        return found


@cache
def _columns(prefix: str, model: Any) -> list[str]:
    names = [field.attname for field in model._meta.concrete_fields]
    return [f"{prefix}__{name}" for name in names] if prefix else names


def any_of(count: int) -> list[Any]:
    """So many values, the first ones, for a condition with `__in`."""
    return [Given(number) for number in range(count)]
