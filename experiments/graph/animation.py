"""The cascade as a film: the picture of `cascade_picture`, filling up round by round, as an animated GIF."""

from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING

import networkx as nx

from experiments.drawing import canvas, pixels
from experiments.graph.cascade_layout import About, Layout, by_generation, by_round
from experiments.graph.cascade_picture import caption, draw_cascade, drawn, one_by_one
from experiments.wording import dollars

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_FRAMES = 30
_SHOWN, _HELD = 350, 2_500  # milliseconds of a frame, and of the last one


@dataclass(frozen=True)
class Film:
    """An animated GIF. `caption` says what is shown and what stands for what; `frames` how many there are."""

    name: str
    title: str
    caption: str
    frames: int
    gif: bytes = field(repr=False)


def cascade_film(graph: nx.DiGraph, most_frames: int = MOST_FRAMES, name: str = "contagion") -> Film:
    """Return the film of a contagion graph; with more rounds than `most_frames`, a frame shows several rounds more.

    Places and scales are those of the last frame, the picture of the whole. Equal graphs give equal bytes.
    """
    closings = {node: about for node, about in graph.nodes(data=True) if about["kind"] == "closing"}
    moments = sorted({(about["step"], about["round"]) for about in closings.values()})
    every = max(1, -(-len(moments) // most_frames))
    ends = [moments[min(i + every, len(moments)) - 1] for i in range(0, len(moments), every)]
    single = one_by_one(closings)
    title, text = "Who pulled whom down, round by round", caption(graph, single)
    if not closings:
        return Film(name, title, text, 1, _gif([_blank()]))
    whole = (by_round if single else by_generation)(graph, closings)
    images = [_image(graph, closings, whole, end) for end in ends]
    told = f" {len(images)} frames for {len(moments):,} rounds; the last frame is the whole."
    return Film(name, title, text + drawn(graph, whole) + told, len(images), _gif(images))


def _image(graph: nx.DiGraph, closings: About, whole: Layout, end: tuple[int, int]) -> "Image":
    known = {node: about for node, about in closings.items() if (about["step"], about["round"]) <= end}
    part = by_generation(graph, closings, known) if whole.counted else _one_by_one(list(closings), known, whole)
    done, all_ = (sum(about["notional"] for about in these.values()) for these in (known, closings))
    with canvas(7.4, whole.height + 0.25) as figure:
        axes = draw_cascade(figure, part, whole)
        counts = f"{len(known):,} of {len(closings):,} closings, {dollars(done)} of {dollars(all_)}"
        # Dollar signs are no formula.
        axes.set_title(f"step {end[0]}, round {end[1] + 1}: {counts}", loc="left", parse_math=False)
        return pixels(figure)


def _one_by_one(nodes: list[str], known: About, whole: Layout) -> Layout:
    """Return the part of a layout with a disc for every closing that shows the `known` ones."""
    kept = [i for i, node in enumerate(nodes) if node in known]
    number = {old: new for new, old in enumerate(kept)}
    lines = [line for line in whole.lines if line.start in number and line.end in number]
    moved = [replace(line, start=number[line.start], end=number[line.end]) for line in lines]
    return replace(whole, discs=[whole.discs[i] for i in kept], lines=moved)


def _blank() -> "Image":
    with canvas(7.4, 2.6) as figure:
        figure.text(0.5, 0.5, "nothing was liquidated", ha="center", va="center")
        return pixels(figure)


def _gif(images: "list[Image]") -> bytes:
    """Return the frames as one GIF in the colours of the last frame, which has all of them."""
    from PIL.Image import Dither

    palette = images[-1].quantize(64)
    plain = Dither.NONE
    frames = [image.quantize(palette=palette, dither=plain) for image in images]
    buffer, shown = BytesIO(), [_SHOWN] * (len(frames) - 1) + [_HELD]
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=False)
    return buffer.getvalue()
