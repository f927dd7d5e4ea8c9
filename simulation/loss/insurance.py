"""The limits of an insurance fund: how much it pays, and when the venue holds withdrawals back."""

from typing import Literal

from pydantic import Field

from simulation.strict import Strict


class InsuranceLimits(Strict):
    """What keeps a fund from being emptied at once. Nothing of it holds unless it is set.

    A limit moves losses on to deleveraging and to the loss rule, while the fund still has money.
    Sources: a cap on what a fund may lose in one block, and withdrawals held back after an account was seen below
    zero, dYdX v4; auto-deleveraging when a fund has fallen 30 % from its peak of 8 hours, OKX.
    """

    step_limit: float | None = Field(None, ge=0.0, description="dollars each fund pays in one step at most")
    drawdown_limit: float | None = Field(
        None, ge=0.0, le=1.0, description="share of its highest balance of the window a fund may lose"
    )
    drawdown_window_steps: int = Field(480, ge=1, le=10_000_000, description="steps over which the highest counts")
    gate_steps: int = Field(0, ge=0, le=10_000_000, description="steps withdrawals are held back after a loss")
    gate_at: Literal["bankruptcy", "uninsured"] = Field(
        "uninsured", description="which loss: any account below zero, or one the fund could not pay"
    )
