"""One end of a copy: a connection of its own, which ends when the run is asked to stop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from nomaflow.connectors.base import ResolvedPool
from nomaflow.connectors.dialects.base import Dialect
from nomaflow.errors import StepCanceled, StepFailed, Unreachable

OnCancel = Callable[[Callable[[], None]], AbstractContextManager[None]]


class Side:
    """The source's or the target's connector, and how a stop is heard."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        pool: ResolvedPool,
        on_cancel: OnCancel,
        is_cancelled: Callable[[], bool],
    ) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        self.name = name
        self.dialect = dialect
        self._engine = dialect.engine(pool)
        driver: Any = self._engine.dialect.dbapi
        self._driver_errors = (SQLAlchemyError, driver.Error)
        self.on_cancel = on_cancel
        self._is_cancelled = is_cancelled

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A driver's connection that no one else uses; what it did not commit is gone after."""
        with self.errors():
            proxy = self._engine.raw_connection()
            driver = proxy.driver_connection
            proxy.detach()
        try:
            with self.on_cancel(lambda: self.dialect.cancel(driver)):
                yield driver
        finally:
            proxy.close()
            self._engine.dispose()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours; once a stop was asked, into StepCanceled."""
        try:
            yield
        except self._driver_errors as error:
            if self._is_cancelled():
                raise StepCanceled("The copy was stopped. The target is unchanged.") from None
            failure = self.dialect.failure(error)
            message = f"Connector '{self.name}': {failure.message}"
            raise (Unreachable if failure.unreachable else StepFailed)(message) from error
