# SPDX-License-Identifier: MIT
"""Draws one plot as an SVG that stands by itself.

The one idea: onehop has a hue of its own and everything else is told apart by other means as well
(place, lightness, dashes, a name beside it), so that a plot reads without telling colours apart.
Colours are classes with a value for each scheme, over a background of the picture's own.
"""
import math

from lib.layout import escaped, is_number, is_subject
from lib.plotting import drawable, fitted, scale_of, text_px, tick_text, value_text, wrapped

WIDTH = 860
PADDING = 20
LABEL_PX = 13
SMALL_PX = 12
BAR_PX = 17
MAX_LABEL_PX = 230

# (light, dark) from the least to the most of a ramp; a ramp tells parts of one thing apart.
NEUTRAL = (("#d3dae2", "#3b4552"), ("#bcc6d1", "#4d5866"), ("#a5b1be", "#606d7c"),
           ("#8d9bab", "#768494"), ("#748395", "#8f9cab"), ("#5b6b7e", "#aab5c1"),
           ("#435366", "#c6ced7"))
ACCENT = (("#fbd3b5", "#6b3410"), ("#f7b98c", "#863f10"), ("#f19f66", "#a34c12"),
          ("#e58341", "#c25c18"), ("#d56a22", "#dd7128"), ("#b85410", "#f08c48"),
          ("#94420b", "#ffae78"))
# Eight hues after Okabe and Ito, without the one of onehop, and the dashes that go with them.
HUES = (("#0072b2", "#56a9e0"), ("#009e73", "#2fc499"), ("#b5569b", "#e497c9"),
        ("#7a8794", "#9aa5b1"), ("#a38a00", "#e0cb45"), ("#3f9fd8", "#9bd3f5"),
        ("#5b3fa8", "#a99bf0"), ("#5f8f00", "#a6d84a"))
DASHES = ("", "8 4", "2 3", "", "10 3 2 3", "5 2", "1 4", "12 4")
# A proxy keeps its hue from plot to plot, whichever others are beside it.
USUAL = {"nginx": 0, "nginx-tuned": 0, "haproxy": 1, "haproxy-tcp": 2, "haproxy-mode-tcp": 2,
         "direct": 3, "envoy": 4, "nginx-stock": 5, "nginx-as-installed": 5, "caddy": 6,
         "floor": 7}


def _style():
    schemes = []
    for scheme, colours in enumerate((("#ffffff", "#1f2328", "#59636e", "#d9dee3", "#b4bcc5"),
                                      ("#0d1117", "#e6edf3", "#9198a1", "#272e37", "#4a535e"))):
        rules = [f".oh-{kind}{index}{{fill:{pair[scheme]};stroke:{pair[scheme]}}}"
                 for kind, pairs in (("n", NEUTRAL), ("a", ACCENT), ("h", HUES))
                 for index, pair in enumerate(pairs)]
        paper, ink, pale, grid, axis = colours
        rules += [f".oh-bg{{fill:{paper}}}.oh-t{{fill:{ink}}}.oh-p{{fill:{pale}}}"
                  f".oh-g{{stroke:{grid}}}.oh-x{{stroke:{axis}}}.oh-s{{fill:{ACCENT[5][scheme]}}}"
                  f".oh-i0{{fill:{('#1f2328', '#ffffff')[scheme]}}}"
                  f".oh-i1{{fill:{('#ffffff', '#0d1117')[scheme]}}}"]
        schemes.append("".join(rules))
    return ("<style>.oh{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',"
            "'Noto Sans','DejaVu Sans',sans-serif;font-variant-numeric:tabular-nums}"
            ".oh .oh-b{stroke:none}.oh .oh-l{fill:none;stroke-linejoin:round;stroke-linecap:round}"
            f"{schemes[0]}@media(prefers-color-scheme:dark){{{schemes[1]}}}</style>")


STYLE = _style()


def draw(plot, width=WIDTH, height=None):
    """The plot as one `<svg>` element; its height follows from what it shows unless given."""
    figures = [value for one in plot.series for value in one.values if is_number(value)]
    canvas = Canvas(width, all(float(value).is_integer() for value in figures))
    top = _heading(canvas, plot)
    if not figures:
        canvas.text(PADDING, top + 34, "Nothing was measured.", "oh-p", LABEL_PX)
        bottom = top + 54
    elif plot.kind == "lines":
        bottom = _lines(canvas, plot, top, height)
    else:
        bottom = _bars(canvas, plot, top, height)
    for line in wrapped(plot.note, SMALL_PX, width - 2 * PADDING):
        bottom += 18
        canvas.text(PADDING, bottom, line, "oh-p", SMALL_PX)
    height = max(height or 0, math.ceil(bottom + 16))
    title = f"{plot.title} ({plot.unit})" if plot.unit else plot.title
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="oh" role="img" '
            f'aria-label="{escaped(title)}" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}"><title>{escaped(title)}</title><desc>{escaped(_told(plot))}</desc>'
            f'{STYLE}<rect class="oh-bg" width="{width}" height="{height}" rx="6"/>'
            + "".join(canvas.parts) + "</svg>\n")


class Canvas:
    """Collects elements; coordinates are rounded to a tenth, figures to what all of them need."""

    def __init__(self, width, whole):
        self.width = width
        self.whole = whole
        self.parts = []

    def figure(self, value):
        return value_text(value, self.whole)

    def text(self, x, y, text, classes, size, anchor="start", weight=400):
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        where = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" font-size="{size}"'
                          f'{where}{bold}>{escaped(text)}</text>')

    def line(self, x1, y1, x2, y2, classes, width=1, dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'class="{classes}" stroke-width="{width}"{dashes}/>')

    def bar(self, x, y, width, height, classes, told, rounded=True):
        """A bar to the right of x whose far end alone is rounded."""
        radius = min(2.5, width / 2) if rounded else 0
        self.parts.append(
            f'<path d="M{x:.1f} {y:.1f}h{max(width - radius, 0):.1f}'
            f'q{radius:.1f} 0 {radius:.1f} {radius:.1f}v{height - 2 * radius:.1f}'
            f'q0 {radius:.1f} {-radius:.1f} {radius:.1f}h{-max(width - radius, 0):.1f}z" '
            f'class="{classes} oh-b"><title>{escaped(told)}</title></path>')


def _told(plot):
    """The figures in words, for who cannot see the plot."""
    if plot.kind == "lines":
        parts = []
        for one in plot.series:
            known = [value for value in one.values if is_number(value)]
            parts.append(f"{one.name}: " + (f"{value_text(min(known))} to {value_text(max(known))}"
                                            if known else "not measured"))
        return "; ".join(parts) + "."
    return "; ".join(f"{label}: " + ", ".join(
        f"{one.name} {_known_text(one.values[row])}" for one in plot.series)
        for row, label in enumerate(plot.labels)) + "."


def _known_text(value):
    return value_text(value) if is_number(value) else "not measured"


def _heading(canvas, plot):
    """Title and unit; what follows begins below the height that is returned."""
    room = canvas.width - 2 * PADDING
    canvas.text(PADDING, 30, fitted(plot.title, 16, room), "oh-t", 16, weight=600)
    under = ", ".join(text for text in (plot.unit, "logarithmic axis" * is_log(plot)) if text)
    if under:
        canvas.text(PADDING, 50, fitted(under, SMALL_PX, room), "oh-p", SMALL_PX)
    return 58 if under else 40


def is_log(plot):
    """Parts of a stack have no length on a logarithmic axis, so that stacks are never on one."""
    return plot.log and plot.kind != "stacked"


# --- colours -----------------------------------------------------------------------------------


def _hues(series):
    """Class and dashes of each series, when series are told apart by hue."""
    names = [one.name.lower().replace(" ", "-") for one in series]
    taken = {USUAL[name] for name in names if name in USUAL}
    free = [index for index in range(len(HUES)) if index not in taken] or list(range(len(HUES)))
    looks, subjects, others = [], 0, 0
    for name in names:
        if is_subject(name):
            looks.append((f"oh-a{max(5 - 2 * subjects, 0)}", "" if not subjects else "8 4"))
            subjects += 1
            continue
        hue = USUAL.get(name)
        if hue is None:
            hue = free[others % len(free)]
            others += 1
        looks.append((f"oh-h{hue}", DASHES[hue]))
    return looks


def _steps(count):
    """`count` steps of a ramp, as far from each other as it has them."""
    last = len(NEUTRAL) - 1
    if count < 4:
        return ((), (3,), (2, 5), (1, 3, 5))[count]
    return [round(index * last / (count - 1)) for index in range(count)]


def _bar_looks(plot):
    """A function from series and label to a class, and the classes of each series in a legend."""
    if any(is_subject(one.name) for one in plot.series):
        hues = [look for look, _ in _hues(plot.series)]
        return lambda index, label: hues[index], [[hue] for hue in hues]
    steps = _steps(len(plot.series))
    if len(plot.series) == 1:  # one colour each: the plain one, and the one that is meant
        return lambda index, label: "oh-a5" if is_subject(label) else "oh-n2", [["oh-n2"]]
    both = any(is_subject(label) for label in plot.labels)
    return (lambda index, label: f"oh-{'na'[is_subject(label)]}{steps[index]}",
            [[f"oh-n{step}"] + [f"oh-a{step}"] * both for step in steps])


# --- bars --------------------------------------------------------------------------------------


def _legend(canvas, names, looks, top):
    x, y = PADDING, top + 16
    for name, classes in zip(names, looks):
        name = fitted(name, SMALL_PX, 260)
        needed = 15 * len(classes) + 5 + text_px(name, SMALL_PX)
        if x > PADDING and x + needed > canvas.width - PADDING:
            x, y = PADDING, y + 20
        for index, one in enumerate(classes):
            canvas.parts.append(f'<rect x="{x + 15 * index:.1f}" y="{y - 10:.1f}" width="12" '
                                f'height="12" rx="2.5" class="{one} oh-b"/>')
        canvas.text(x + 15 * len(classes) + 4, y, name, "oh-t", SMALL_PX)
        x += needed + 16
    return y + 8


def _bars(canvas, plot, top, height):
    stacked = plot.kind == "stacked"
    values = [[drawable(value) for value in one.values] for one in plot.series]
    ends = [_end(row) for row in zip(*values)] if stacked else sum(values, [])
    scale = scale_of([value for value in ends if value is not None], is_log(plot))
    look, legend = _bar_looks(plot)
    if len(plot.series) > 1:
        top = _legend(canvas, [one.name for one in plot.series], legend, top)
    labels = [fitted(label, LABEL_PX, MAX_LABEL_PX) for label in plot.labels]
    texts = [_total(canvas, plot, place) for place in range(len(labels))] if stacked else [
        canvas.figure(value) for value in ends if value is not None]
    scale.start = PADDING + max(text_px(label, LABEL_PX, is_subject(label))
                                for label in labels) + 12
    scale.end = canvas.width - PADDING - max(text_px(text, LABEL_PX, True) for text in texts) - 8
    rows = 1 if stacked else len(plot.series)
    thick = 22 if stacked else BAR_PX if rows > 1 else 20
    gap = 12 if rows == 1 else 16
    if height:
        room = (height - top - 56) / len(labels)
        gap = min(gap, room / 3)
        thick = max((room - gap) / rows, 2)
    first = top + 12
    bottom = first + len(labels) * (rows * thick + gap) - gap + 8
    _value_axis(canvas, scale, top + 4, bottom)
    for place, label in enumerate(labels):
        y = first + place * (rows * thick + gap)
        mine = is_subject(plot.labels[place])
        canvas.text(scale.start - 10, y + rows * thick / 2 + 4.5, label,
                    "oh-s" if mine else "oh-t", LABEL_PX, "end", 650 if mine else 400)
        if stacked:
            _stack(canvas, plot, place, look, scale, y, thick)
        else:
            for index, column in enumerate(values):
                _bar(canvas, plot, (index, place), column[place], look, scale,
                     y + index * thick, thick)
    canvas.line(scale.base, top + 4, scale.base, bottom, "oh-x")
    return bottom + 18


def _end(parts):
    known = [max(value, 0) for value in parts if value is not None]
    return sum(known) if known else None


def _value_axis(canvas, scale, top, bottom):
    """Grid and figures of an axis from left to right; a figure without room is left out."""
    drawn = -math.inf
    for tick in scale.ticks:
        x, text = scale.at(tick), tick_text(tick)
        canvas.line(x, top, x, bottom, "oh-g")
        half = text_px(text, SMALL_PX) / 2
        if x - half > drawn + 6:
            canvas.text(x, bottom + 17, text, "oh-p", SMALL_PX, "middle")
            drawn = x + half


def _bar(canvas, plot, place, value, look, scale, y, thick):
    index, row = place
    middle = y + thick / 2 + 4.5
    if value is None:
        canvas.text(scale.base + 6, middle, "not measured", "oh-p", SMALL_PX)
        return
    label, name = plot.labels[row], plot.series[index].name
    low, high = sorted((scale.base, scale.at(value)))
    told = f"{label}, {name}: {canvas.figure(value)} {plot.unit}".rstrip()
    canvas.bar(low, y + 0.5, max(high - low, 1), thick - 1.5, look(index, label), told, value > 0)
    mine = is_subject(label) or is_subject(name)
    canvas.text(high + 6, middle, canvas.figure(value), "oh-t", SMALL_PX,
                weight=650 if mine else 400)


def _stack(canvas, plot, row, look, scale, y, thick):
    label = plot.labels[row]
    middle = y + thick / 2 + 4.5
    parts = [drawable(one.values[row]) for one in plot.series]
    end = _end(parts)
    if end is None:
        canvas.text(scale.base + 6, middle, _total(canvas, plot, row), "oh-p", SMALL_PX)
        return
    total = 0
    for index, value in enumerate(parts):
        if not value or value < 0:
            continue
        left, right = scale.at(total), scale.at(total + value)
        classes = look(index, label)
        canvas.bar(left, y, max(right - left - 1, 0.5), thick, classes,
                   f"{label}, {plot.series[index].name}: {canvas.figure(value)} {plot.unit}",
                   not any((rest or 0) > 0 for rest in parts[index + 1:]))
        text = canvas.figure(value)
        if text_px(text, SMALL_PX) + 10 < right - left:
            dark = classes[3] in "an" and int(classes[4:]) > 3 or classes[3] == "h"
            canvas.text((left + right) / 2, middle, text, f"oh-i{int(dark)}", SMALL_PX, "middle")
        total += value
    canvas.text(scale.at(total) + 6, middle, _total(canvas, plot, row), "oh-t", LABEL_PX,
                weight=650 if is_subject(label) else 400)


def _total(canvas, plot, row):
    """The figure beside a stack, and what it leaves out: a missing part is not zero."""
    parts = [drawable(one.values[row]) for one in plot.series]
    missing = [one.name for one, value in zip(plot.series, parts) if value is None]
    end = _end(parts)
    if end is None:
        return "not measured"
    return canvas.figure(end) + (f" without {', '.join(missing)}" if missing else "")


# --- lines -------------------------------------------------------------------------------------


def _lines(canvas, plot, top, height):
    values = [[drawable(value) for value in one.values] for one in plot.series]
    known = [value for column in values for value in column if value is not None]
    places = [drawable(x) for x in plot.x]
    y = scale_of(known, is_log(plot), count=5)
    x = scale_of([place for place in places if place is not None] or [0], from_zero=False, count=8)
    names = [fitted(one.name, SMALL_PX, 170) + ("" if any(value is not None for value in column)
                                               else ", not measured")
             for one, column in zip(plot.series, values)]
    x.start = PADDING + max(text_px(tick_text(tick), SMALL_PX) for tick in y.ticks) + 10
    x.end = canvas.width - PADDING - 34 - max(text_px(name, SMALL_PX, is_subject(name))
                                              for name in names)
    y.end = top + 12
    y.start = max((height or 340) - 54, y.end + 19 * len(names), y.end + 80)
    for tick in y.ticks:
        canvas.line(x.start, y.at(tick), x.end, y.at(tick), "oh-g")
        canvas.text(x.start - 8, y.at(tick) + 4, tick_text(tick), "oh-p", SMALL_PX, "end")
    canvas.line(x.start, y.start, x.end, y.start, "oh-x")
    drawn = -math.inf
    for tick in x.ticks:
        canvas.line(x.at(tick), y.start, x.at(tick), y.start + 4, "oh-x")
        half = text_px(tick_text(tick), SMALL_PX) / 2
        if x.at(tick) - half > drawn + 6:
            canvas.text(x.at(tick), y.start + 18, tick_text(tick), "oh-p", SMALL_PX, "middle")
            drawn = x.at(tick) + half
    canvas.text((x.start + x.end) / 2, y.start + 36, plot.x_title, "oh-p", SMALL_PX, "middle")
    looks = _hues(plot.series)
    order = sorted(range(len(names)), key=lambda index: is_subject(plot.series[index].name))
    for index in order:  # onehop last, so that nothing hides it
        points = [(x.at(place), y.at(value), place, value) if None not in (place, value) else None
                  for place, value in zip(places, values[index])]
        _line(canvas, plot, plot.series[index].name, points, looks[index])
    _end_labels(canvas, plot, names, values, looks, x, y)
    return y.start + 40


def _line(canvas, plot, name, points, look):
    classes, dash = look
    width = 2.75 if is_subject(name) else 1.75
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    runs, run = [], []
    for point in [*points, None]:
        if point:
            run.append(point)
        elif run:
            runs, run = [*runs, run], []
    for run in runs:
        if len(run) > 1:
            path = "L".join(f"{left:.1f} {down:.1f}" for left, down, _, _ in run)
            canvas.parts.append(f'<path d="M{path}" class="{classes} oh-l" '
                                f'stroke-width="{width}"{dashes}/>')
    if len(points) > 30:
        runs = [run for run in runs if len(run) == 1]  # what no line shows
    for left, down, place, value in (point for run in runs for point in run):
        told = f"{name}, {tick_text(place)} {plot.x_title}: {canvas.figure(value)} {plot.unit}"
        canvas.parts.append(f'<circle cx="{left:.1f}" cy="{down:.1f}" r="{width + 0.5:.4g}" '
                            f'class="{classes} oh-b"><title>{escaped(told)}</title></circle>')


def _end_labels(canvas, plot, names, values, looks, x, y):
    """Each name where its line ends, moved so that none covers another."""
    wanted = []
    for index, column in enumerate(values):
        last = next((value for value in reversed(column) if value is not None), None)
        wanted.append((y.start if last is None else y.at(last), index))
    wanted.sort()
    downs = []
    for down, _ in wanted:
        downs.append(max(down, downs[-1] + 18) if downs else down)
    limit = y.start
    for place in range(len(downs) - 1, -1, -1):
        downs[place] = min(downs[place], limit)
        limit = downs[place] - 18
    for down, (_, index) in zip(downs, wanted):
        classes, dash = looks[index]
        mine = is_subject(plot.series[index].name)
        canvas.line(x.end + 8, down, x.end + 28, down, classes, 2.75 if mine else 1.75, dash)
        canvas.text(x.end + 33, down + 4, names[index], "oh-s" if mine else "oh-t", SMALL_PX,
                    weight=650 if mine else 400)
