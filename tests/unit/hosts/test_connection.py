"""A scheduler that gives no answer now is told from one that is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import InfrastructureError
from harness.hosts.address import parse
from harness.hosts.connection import Connection, NoAnswer

pytestmark = pytest.mark.unit


def connection(status: str, answer: object = None) -> Connection:
    def sync(*_: object, **__: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    client: Any = SimpleNamespace(status=status, sync=sync, scheduler=SimpleNamespace(identity=None))
    return Connection(client, parse("tcp://127.0.0.1:8786"))


def test_workers_are_those_that_the_scheduler_tells_of() -> None:
    assert connection("running", {"workers": {"a": {}}}).workers() == {"a": {}}


@pytest.mark.parametrize("broken", [connection("connecting"), connection("running", TimeoutError())])
def test_one_answer_that_does_not_come_is_no_loss(broken: Connection) -> None:
    with pytest.raises(NoAnswer, match="does not answer"):
        broken.workers()


def test_a_closed_connection_is_lost() -> None:
    with pytest.raises(InfrastructureError, match="is away") as error:
        connection("closed").workers()
    assert not isinstance(error.value, NoAnswer)
