"""What would have saved an account, in sentences: the reruns one by one, what of them saved it, and fair shares."""

from collections.abc import Iterable, Iterator

from experiments.causes.amounts import exact, in_cents, whole_cents
from experiments.causes.what_if import CAUSES, Answers, Outcome, Rerun
from experiments.wording import dollars

_THINGS = {
    "impact": "price impact",
    "pooling": "shared collateral",
    "delay": "a late oracle or mark",
    "margin": "requirements that change",
}
_SHARERS = {"insurance": "small insurance fund", "leverage": "leverage of others"}  # what it is that costs


def what_if(answers: Answers, others: dict[int, str], ruined: bool) -> Iterator[str]:
    """Yield what became of the account in every rerun; `others` names the accounts counted out, by row.

    `ruined`: whether the account was left with nothing, so that it could not lose more.
    """
    base = answers.outcomes[Rerun()]
    tried = _tried(answers, others)
    limit = " That is all it had brought in; an account can lose no more, so that a smaller fall may cost it the same."
    as_was = f"The same storm again, one thing changed at a time. As it was: {_fate(base)}."
    yield as_was + (limit if ruined and not base.survived else "")
    if tried:
        yield "\n".join(f"- {phrase}: {_outcome(base, found)}" for phrase, found in tried.items())
    if tried and not base.survived:
        yield _verdict([phrase for phrase, found in tried.items() if found.survived])
    missing = [thing for name, thing in _THINGS.items() if Rerun(frozenset([name])) not in answers.outcomes]
    if missing:
        yield f"Not tried, because this storm has none: {', '.join(missing)}."


def shares(answers: Answers) -> Iterator[str]:
    """Yield the Shapley shares of the causes that were tried together, in cents that add up; nothing for one cause."""
    if len(answers.causes) < 2:
        return
    base, none = (answers.outcomes[off].loss for off in (Rerun(), Rerun(frozenset(answers.causes))))
    total = whole_cents(base) - whole_cents(none)
    parts = in_cents(list(answers.shares.values()), total)
    rows = [f"- {name}: {exact(cents / 100.0)}" for name, cents in zip(_named(answers.shares), parts, strict=True)]
    two = len(answers.causes) == 2
    fair = "Shared out fairly (Shapley: the average over all orders of switching them on)"
    yield (
        f"With {_listed(_named(answers.causes))} {'both' if two else 'all'} switched off it would have lost "
        f"{_less(total)}. {fair} {'each' if any(parts) else 'neither' if two else 'none'} of them cost it"
        f"{':' if any(parts) else ' anything.'}"
    )
    if any(parts):
        yield "\n".join(rows)


def _tried(answers: Answers, others: dict[int, str]) -> dict[str, Outcome]:
    """Return the reruns with one thing changed, by what was changed."""
    outcomes = answers.outcomes
    alone = {cause.phrase: Rerun(frozenset([name])) for name, cause in CAUSES.items()}
    alone |= {f"without {name} in the market": Rerun(absent=(row,)) for row, name in others.items()}
    return {phrase: outcomes[rerun] for phrase, rerun in alone.items() if rerun in outcomes}


def _verdict(saved: list[str]) -> str:
    if not saved:
        return "Nothing of this would have kept it from being closed by force."
    return f"It would have survived {'; or '.join(saved)}."


def _outcome(base: Outcome, found: Outcome) -> str:
    return f"{_fate(found)}; {_less(whole_cents(base.loss) - whole_cents(found.loss))}"


def _less(saved: int) -> str:
    """Return how many cents less were lost than as it was."""
    return "the same" if saved == 0 else f"{exact(abs(saved) / 100.0)} {'less' if saved > 0 else 'more'}"


def _fate(found: Outcome) -> str:
    ended = "survived" if found.survived else f"closed by force from step {found.died} on ({dollars(found.closed)})"
    return f"{ended}, {'lost' if found.loss >= 0.0 else 'gained'} {exact(abs(found.loss))}"


def _named(causes: Iterable[str]) -> list[str]:
    return [_SHARERS.get(name, name) for name in causes]


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
