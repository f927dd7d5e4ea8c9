"""Liquidation and the loss waterfall of the exact ledger: who is closed, who takes it, who pays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction as F

from tests.reference.ledger import (
    FIRST_TRADER,
    INSURANCE,
    OUTSIDE,
    QUANTUM,
    SHARED,
    Ledger,
    Place,
    quanta,
    whole_quanta,
)

Choice = Callable[[Place, int, int, int], int]  # (pool, market, fewest, most) -> lots really closed
Price = Callable[[Place, int, F], F]  # (pool, market, exact price) -> the price as the other side writes it


@dataclass
class Loss:
    """Who paid for one bankrupt pool, in quanta."""

    place: Place
    deficit: int
    insurance: int = 0
    adl: int = 0
    socialised: int = 0
    unpaid: int = 0


@dataclass
class Liquidation:
    """Closes pools of `ledger` round by round.

    `choice` picks the lots where rounding leaves two answers; `price` writes down a bankruptcy price, which is no
    dyadic number, so that a fill half-way between two quanta is rounded alike.
    """

    ledger: Ledger
    choice: Choice = lambda place, market, fewest, most: fewest
    price: Price = lambda place, market, exact: exact
    losses: list[Loss] = field(default_factory=list)
    fills: list[tuple[int, int, int]] = field(default_factory=list)  # ADL: (winner, market, lots given up)
    seized: list[Place] = field(default_factory=list)
    partial: int = 0
    exhausted: int = 0
    ties: int = 0

    def run(self, most_rounds: int) -> int:
        """Liquidate to rest, or for `most_rounds`; return the rounds used."""
        for number in range(most_rounds):
            seized = self.ledger.liquidatable()
            if not seized:
                return number
            self.round(seized)
        return most_rounds

    def round(self, seized: list[Place]) -> None:
        """One round: decide for all pools first, then sell, settle, deleverage, in the order of the pools."""
        self.seized = seized
        closing = {place: self.closing(place) for place in seized}
        book = self.bookable(seized, closing)
        self.sell({place: closing[place] for place in book})
        left = {place: self.deleverage(place) for place in seized if place not in book}
        if rest := {place: lots for place, lots in left.items() if lots}:
            self.sell(rest)  # what found no winner goes to the book after all, together

    def closing(self, place: Place) -> dict[int, int]:
        """Lots closed of each position: the fraction of the rule, rounded up."""
        fraction, found = self.fraction(place), {}
        for m in self.ledger.markets_in(*place):
            held = self.ledger.held(place[0], m)
            exact = abs(held) * fraction
            near = abs(exact - round(exact)) < F(1, 10**9) and fraction != 1 and exact.denominator != 1
            fewest = round(exact) if near else -(-exact // 1)
            most = (
                min(fewest + 1, abs(held))
                if self.ledger.terms.close == "to_target" and (near or exact == fewest)
                else fewest
            )
            lots = self.choice(place, m, fewest, max(most, fewest))
            found[m] = lots if held > 0 else -lots
            self.partial += lots < abs(held)
        return found

    def fraction(self, place: Place) -> F:
        terms, equity, gross = self.ledger.terms, self.ledger.equity(*place), self.ledger.gross(*place)
        if terms.close == "fraction":
            return F(1) if gross <= terms.smallest or equity <= 0 else terms.share
        if terms.close == "to_target":
            wanted = terms.health * self.ledger.requirement(*place)
            room = wanted - terms.penalty_rate * gross
            part = (wanted - equity) / room if room > 0 else F(1)
            return part if 0 < part < 1 else F(1)
        return F(1)

    def bookable(self, seized: list[Place], closing: dict[Place, dict[int, int]]) -> list[Place]:
        """The pools the order book takes: those whose deficit there the fund can pay, in order of account."""
        book, fund = list(seized), self.ledger.money(INSURANCE, SHARED) * QUANTUM
        while self.ledger.terms.adl != "off":
            running, kept = F(0), []
            for place in book:
                running += (short := self.deficit_in_book(place, closing[place]))
                if not (short and running > fund):
                    kept.append(place)
            if kept == book:
                break
            book = kept
        return book

    def deficit_in_book(self, place: Place, closing: dict[int, int]) -> F:
        """What is missing after the whole pool is sold at the fill price; 0 for pools that are closed in part."""
        row, held = place[0], self.ledger.markets_in(*place)
        if not held or any(closing[m] != self.ledger.held(row, m) for m in held):
            return F(0)
        worth = sum((self.ledger.units(row, m) * self.ledger.fill[m] for m in held), F(0))
        return max(-(self.ledger.money(*place) * QUANTUM + worth), F(0))

    def sell(self, closing: dict[Place, dict[int, int]]) -> None:
        for place, lots in closing.items():
            for m, closed in lots.items():
                self.ledger.trade(place, m, -closed, self.ledger.fill[m])
        self.settle({place: self.notional(lots) for place, lots in closing.items()})

    def notional(self, lots: dict[int, int]) -> F:
        terms = self.ledger.markets
        return sum((abs(q) * terms[m].lot * self.ledger.mark[m] for m, q in lots.items()), F(0))

    def settle(self, closed: dict[Place, F]) -> None:
        """Penalty out of positive equity, cash of empty isolated pools to the wallet, deficits to the waterfall."""
        for place, notional in closed.items():
            penalty = min(self.ledger.terms.penalty_rate * notional, max(self.ledger.equity(*place), F(0)))
            self.ledger.move(place, (INSURANCE, SHARED), whole_quanta(penalty))
        empty = [place for place in closed if not self.ledger.markets_in(*place)]
        for place in empty:
            self.ledger.move(place, (place[0], SHARED), max(self.ledger.money(*place), 0))
        self.cover([place for place in empty if self.ledger.money(*place) < 0])

    def cover(self, short: list[Place]) -> None:
        """Insurance pays in order; what it cannot pay is socialised; what nobody can pay the outside market loses."""
        cases = [Loss(place, -self.ledger.money(*place)) for place in short]
        for case in cases:
            case.insurance = self.draw(case.place, case.deficit)
        self.losses += cases
        open_cases = [case for case in cases if case.deficit > case.insurance]
        pot = self.collect(sum(case.deficit - case.insurance for case in open_cases))
        for case in open_cases:
            wanted = case.deficit - case.insurance
            case.socialised = min(wanted, pot)
            case.unpaid = wanted - case.socialised
            pot -= case.socialised
            self.ledger.move((INSURANCE, SHARED), case.place, case.socialised)
            self.ledger.move((OUTSIDE, SHARED), case.place, case.unpaid)

    def draw(self, place: Place, amount: int) -> int:
        paid = min(amount, self.ledger.money(INSURANCE, SHARED))
        self.ledger.move((INSURANCE, SHARED), place, paid)
        return paid

    def collect(self, loss: int) -> int:
        """Take `loss` quanta from all positive equity pro rata, largest remainders first, ties by account and pool."""
        if not loss:
            return 0
        everyone = [(row, pool) for row in range(FIRST_TRADER, self.ledger.rows) for pool in range(self.ledger.pools)]
        weight = {place: max(whole_quanta(self.ledger.equity(*place)), 0) for place in everyone}
        pot = min(loss, sum(weight.values()))
        for place, share in largest_remainder(pot, weight).items():
            self.ledger.move(place, (INSURANCE, SHARED), share)
        return pot

    # Auto-deleveraging ------------------------------------------------------------------------------------

    def deleverage(self, place: Place) -> dict[int, int]:
        """Close a pool against winners at the price at which it is worth nothing; return the lots that found none."""
        ledger, row = self.ledger, place[0]
        mine = {m: ledger.held(row, m) for m in ledger.markets_in(*place)}
        case = Loss(place, max(-quanta(ledger.equity(*place)), 0))
        case.insurance = self.draw(place, case.deficit)
        x = (case.deficit - case.insurance) * QUANTUM / ledger.gross(*place)
        last = None
        for m, lots in mine.items():
            last = self.close_against_winners(place, m, lots, x) or last
        self.book_adl(case, last)
        rest = {m: ledger.held(row, m) for m in ledger.markets_in(*place)}
        self.exhausted += bool(rest)
        if not rest:
            self.settle({place: F(0)})  # winners take positions over without a penalty
        return rest

    def book_adl(self, case: Loss, last: Place | None) -> None:
        place = case.place
        if case.deficit and last and not self.ledger.markets_in(*place):
            self.ledger.move(place, last, self.ledger.money(*place))  # the last winner takes the rounding
            case.adl = case.deficit - case.insurance
        elif case.deficit:
            left = max(-quanta(min(self.ledger.equity(*place), F(0))), 0)
            case.adl = max(case.deficit - case.insurance - left, 0)
            case.deficit = case.insurance + case.adl
        if case.deficit:
            self.losses.append(case)

    def close_against_winners(self, place: Place, m: int, lots: int, x: F) -> Place | None:
        """Give `lots` to the winners; return where the last of them keeps its cash now."""
        ledger, side = self.ledger, 1 if lots > 0 else -1
        price, last = self.price(place, m, ledger.mark[m] * (1 + side * x)), None
        for winner, given in self.shares(abs(lots), self.winners(place[0], m, side, x)):
            pool = ledger.pool(winner, m)
            ledger.trade((winner, pool), m, side * given, price, place)
            self.fills.append((winner, m, given))
            last = (winner, pool)
            if pool != SHARED and not ledger.markets_in(winner, pool):
                ledger.move((winner, pool), (winner, SHARED), max(ledger.money(winner, pool), 0))
                last = (winner, SHARED)
        return last

    def winners(self, bankrupt: int, m: int, side: int, x: F) -> list[tuple[int, F, F]]:
        """(row, profit, score) of those on the other side, in profit, healthy, not being closed, not made riskier."""
        ledger, found = self.ledger, []
        for row in range(FIRST_TRADER, ledger.rows):
            profit = ledger.units(row, m) * (ledger.mark[m] - ledger.entry.get((row, m), F(0)))
            pool = ledger.pool(row, m)
            if row == bankrupt or (row, pool) in self.seized or ledger.held(row, m) * side >= 0 or profit <= 0:
                continue
            equity, gross = ledger.equity(row, pool), ledger.gross(row, pool)
            healthy = equity > 0 and equity >= ledger.requirement(row, pool)
            if (
                healthy
                and equity >= x * gross
                and self.carries_the_rest(row, m, equity - x * abs(ledger.value(row, m)))
            ):
                found.append((row, profit, profit / abs(ledger.value(row, m)) * (gross / equity)))
        self.market = m
        return found

    def carries_the_rest(self, row: int, m: int, equity: F) -> bool:
        """Would the pool be healthy with `equity` and without its position in market m?"""
        lots, pool = self.ledger.lots, self.ledger.pool(row, m)
        held, lots[row, m] = lots[row, m], 0
        needed = self.ledger.requirement(row, pool)
        lots[row, m] = held
        return equity >= needed

    def shares(self, lots: int, winners: list[tuple[int, F, F]]) -> list[tuple[int, int]]:
        """(row, lots given up): a prefix of the ranking, or pro rata to profit in whole cents; in order of account."""
        held = {row: abs(self.ledger.held(row, self.market)) for row, _, _ in winners}
        if self.ledger.terms.adl == "pro_rata":
            weight = {row: max(round(profit * 100), 1) for row, profit, _ in winners}
            given = capped(lots, weight, held)
        else:
            given = {}
            ranked = sorted(winners, key=lambda winner: (-winner[2], winner[0]))
            self.ties += len({score for _, _, score in ranked}) < len(ranked)
            for row, _, _ in ranked:
                given[row] = min(held[row], lots - sum(given.values()))
        return [(row, given[row]) for row, _, _ in winners if given[row]]


def largest_remainder(total: int, weight: dict) -> dict:
    """Split `total` in proportion to `weight`; units left over go to the largest remainders, ties by order."""
    whole = sum(weight.values())
    if not whole:
        return dict.fromkeys(weight, 0)
    share = {key: total * w // whole for key, w in weight.items()}
    order = sorted(weight, key=lambda key: -(total * weight[key] % whole))
    for key in order[: total - sum(share.values())]:
        share[key] += 1
    return share


def capped(total: int, weight: dict[int, int], cap: dict[int, int]) -> dict[int, int]:
    """The same with caps: whoever's exact share reaches its cap gets the cap, the others split what is left."""
    given, left = dict.fromkeys(weight, 0), min(total, sum(cap.values()))
    free = dict(weight)
    while full := [key for key in free if left * free[key] >= cap[key] * sum(free.values())]:
        for key in full:
            given[key] = cap[key]
            del free[key]
        left -= sum(cap[key] for key in full)
    return given | largest_remainder(left, free)
