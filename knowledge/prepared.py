"""Queries that are built and compiled once, for statements that every question waits for: the ORM
takes several times as long to build and compile one as the database takes to run it. They are
written as any other query, with `Given(0)`, `Given(1)` … where the values go."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import UpdateQuery

Row = TypeVar("Row", bound=Model)


class Given(Expression):
    """The value of this number: a string, a whole number or a truth value, and never None."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return "%s", [self]


class _Compiled:
    def __init__(self, query: Any, connection: BaseDatabaseWrapper) -> None:
        self.compiler = query.get_compiler(connection=connection)
        self._sql, self._params = self.compiler.as_sql()

    def run(self, cursor: Any, values: Sequence[Any]) -> None:
        given = [values[p.number] if isinstance(p, Given) else p for p in self._params]
        cursor.execute(self._sql, given)


class _Statement:
    """Compiled for each connection on first use, and gone with it."""

    def __init__(self, query: Callable[[], Any]) -> None:
        self._query = query

    def on(self, connection: BaseDatabaseWrapper) -> _Compiled:
        prepared: dict[_Statement, _Compiled] = vars(connection).setdefault("prepared", {})
        if self not in prepared:
            prepared[self] = _Compiled(self._query(), connection)
        return prepared[self]


class Select:
    """The rows of a `values_list`, as tuples."""

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]]) -> None:
        self._statement = _Statement(lambda: rows().query)

    def __call__(self, *values: Any) -> list[tuple[Any, ...]]:
        connection = connections[DEFAULT_DB_ALIAS]
        compiled = self._statement.on(connection)
        with connection.cursor() as cursor:
            compiled.run(cursor, values)
            found = cursor.fetchall()
        return list(compiled.compiler.results_iter([found], tuple_expected=True))


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


class Objects(Generic[Row]):
    """Rows of one model, each with the row that it refers to by each of these names."""

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
            setattr(found, name, other)
        return found


@cache
def _columns(prefix: str, model: Any) -> list[str]:
    names = [field.attname for field in model._meta.concrete_fields]
    return [f"{prefix}__{name}" for name in names] if prefix else names


def any_of(count: int) -> list[Any]:
    """So many values, the first ones, for a condition with `__in`."""
    return [Given(number) for number in range(count)]
