"""The gate that holds requests back."""

from __future__ import annotations

import asyncio

from proxywrap.testing.gate import Gate


def test_open_from_the_beginning() -> None:
    """Nothing is held unless asked for."""

    async def scenario() -> None:
        gate = Gate()
        await gate.enter()
        await gate.wait_for(1)

    asyncio.run(scenario())


def test_count_begins_at_hold() -> None:
    """What had arrived before does not count, and the gate stays open afterwards."""

    async def scenario() -> None:
        gate = Gate()
        await gate.enter()
        gate.hold(2)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(gate.enter())
            await gate.wait_for(2)
            assert not first.done()
            group.create_task(gate.enter())
        await gate.enter()

    asyncio.run(scenario())


def test_release() -> None:
    """Without a count only the test opens it."""

    async def scenario() -> None:
        gate = Gate()
        gate.hold()
        async with asyncio.TaskGroup() as group:
            held = [group.create_task(gate.enter()) for _ in range(3)]
            await gate.wait_for(3)
            assert not any(task.done() for task in held)
            gate.release()

    asyncio.run(scenario())
