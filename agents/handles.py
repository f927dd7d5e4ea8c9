"""Creating many Mesa agents quickly: the same result as one by one, several times faster."""

import gc
import itertools
from typing import Any

import mesa


def create(agent_type: type[mesa.Agent], model: Any, group: Any, count: int) -> list[Any]:
    """Create `count` agents of one type that share `group` and know their number in it as `member`.

    Mesa's own constructor costs 4-5 us an agent, most of it bookkeeping that can be done once for all. That
    bookkeeping is private and differs between Mesa versions, so where it is not as known, agents are made one by one.
    """
    collecting = gc.isenabled()
    gc.disable()  # a million young objects would be scanned again and again
    try:
        agents: list[Any] = [agent_type.__new__(agent_type) for _ in range(count)] if _known(model) else []
        if agents:
            _register(agents, model)
        else:
            agents = [agent_type(model) for _ in range(count)]
        for member, agent in enumerate(agents):
            agent.group = group
            agent.member = member
    finally:
        if collecting:
            gc.enable()
    return agents


def _known(model: Any) -> bool:
    """Tell whether this Mesa keeps its agents as the versions 3.3 to 3.5 do."""
    everyone = getattr(model, "_all_agents", None)
    return (
        hasattr(everyone, "_agents")
        and hasattr(model, "_agents_by_type")
        and (hasattr(model, "agent_id_counter") or "_ids" in vars(mesa.Agent))
    )


def _register(agents: list[Any], model: Any) -> None:
    numbers = _unique_ids(model, len(agents))
    for agent, number in zip(agents, numbers, strict=True):
        agent.model = model
        agent.unique_id = number
        agent.pos = None
    fresh = dict.fromkeys(agents)
    if hasattr(model, "_agents"):
        model._agents.update(fresh)
    model._all_agents._agents.update(fresh)
    kind = type(agents[0])
    if kind in model._agents_by_type:
        model._agents_by_type[kind]._agents.update(fresh)
    else:
        model._agents_by_type[kind] = type(model._all_agents)(agents, random=model.random)


def _unique_ids(model: Any, count: int) -> list[int]:
    if hasattr(model, "agent_id_counter"):
        first = model.agent_id_counter
        model.agent_id_counter = first + count
        return list(range(first, first + count))
    return list(itertools.islice(mesa.Agent._ids[model], count))


def forget(model: Any) -> None:
    """Drop Mesa 3.3's class-level reference to `model`, which would keep every finished model in memory."""
    getattr(mesa.Agent, "_ids", {}).pop(model, None)
