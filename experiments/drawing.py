"""What all figures share: colours, markers and hatches that survive greyscale, and PNG without a display.

Colours are those of Okabe & Ito (2008), told apart by the common kinds of colour blindness; each regime also has a
marker, a line style and a hatch of its own.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

DPI = 110
GREY, DARK = "#8a8a8a", "#333333"
FONT: dict[Any, Any] = {
    "font.size": 9.0,
    "font.family": "DejaVu Sans",  # shipped with matplotlib: the same letters on every machine
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "crossmargin",
}


@dataclass(frozen=True)
class Look:
    """How one regime is drawn."""

    colour: str
    marker: str
    line: str
    hatch: str


_LOOKS = (
    Look("#0072B2", "o", "-", ""),
    Look("#E69F00", "s", "--", "////"),
    Look("#882255", "^", "-.", "...."),
    Look("#009E73", "D", ":", "xxxx"),
    Look("#56B4E9", "v", (0, (5, 1, 1, 1, 1, 1)), "++++"),  # type: ignore[arg-type]
    Look("#000000", "P", (0, (8, 3)), "oo"),  # type: ignore[arg-type]
)
_FIXED = {"isolated": 0, "cross": 1, "portfolio": 2}


@dataclass(frozen=True)
class Picture:
    """A figure as PNG. `caption` says what is shown, over how many storms, and with which interval."""

    name: str
    title: str
    caption: str
    png: bytes = field(repr=False)

    @property
    def data_uri(self) -> str:
        """Return the picture as a link that carries it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"

    def _repr_png_(self) -> bytes:
        """Show the picture in a notebook."""
        return self.png


def look(regime: str, regimes: tuple[str, ...] = ()) -> Look:
    """Return how `regime` is drawn; the three usual ones always look the same."""
    if regime in _FIXED:
        return _LOOKS[_FIXED[regime]]
    others = [name for name in regimes if name not in _FIXED]
    place = others.index(regime) if regime in others else 0
    taken = {_FIXED[name] for name in regimes if name in _FIXED}
    spare = [style for i, style in enumerate(_LOOKS[:3]) if i not in taken]  # of the usual ones that are not shown
    free = [*_LOOKS[3:], *spare]
    return free[place % len(free)]


@contextmanager
def canvas(width: float, height: float) -> Iterator["Figure"]:
    """Yield a new figure of `width` x `height` inches in the house style; it belongs to no window."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(FONT):
        yield Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def png(figure: "Figure") -> bytes:
    """Return the figure as PNG in at most 128 colours, the same bytes for the same picture."""
    buffer = BytesIO()
    pixels(figure).quantize(128).save(buffer, "png", optimize=True, dpi=(DPI, DPI))
    return buffer.getvalue()


def pixels(figure: "Figure") -> "Image":
    """Return the figure as a picture of Pillow, in full colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image  # matplotlib needs it too

    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    picture = Image.frombuffer("RGBA", drawn.get_width_height(), bytes(drawn.buffer_rgba()), "raw", "RGBA", 0, 1)
    return picture.convert("RGB")


def from_zero(axis: Any, side: str = "x") -> None:
    """Let an axis start at 0, with a little room at its other end."""
    if side == "x":
        axis.set_xlim(0.0, max(axis.get_xlim()[1], 1e-9) * 1.02)
    else:
        axis.set_ylim(0.0, max(axis.get_ylim()[1], 1e-9) * 1.02)
