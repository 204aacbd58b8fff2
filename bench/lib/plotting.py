# SPDX-License-Identifier: MIT
"""The arithmetic of a plot: axes with ticks at round numbers, and how wide a text is.

The one idea: a figure that cannot be drawn is no reason to lose a report, so every finite value
has a place on every axis, and what is not a finite number is a gap.
"""
import dataclasses
import math

from lib.layout import decimals_for, is_number

COMPACT = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
LARGEST = 1e300  # beyond it, sums and ticks leave the range of a double
SMALLEST = 1e-300  # below it, so do quotients


def drawable(value):
    """The value as an axis can take it, None for a gap."""
    if not is_number(value):
        return None
    value = float(min(max(value, -LARGEST), LARGEST))
    return value if abs(value) >= SMALLEST else 0.0


@dataclasses.dataclass
class Scale:
    """From values to pixels: `low` is drawn at `start`, `high` at `end`."""
    low: float
    high: float
    ticks: list
    log: bool
    start: float = 0
    end: float = 1

    def at(self, value):
        if self.log:  # nothing is below the floor of a logarithmic axis; zero stands on it
            value = max(value, self.low)
            share = math.log10(value / self.low) / math.log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def base(self):
        return self.at(self.low if self.log else min(max(0, self.low), self.high))


def scale_of(values, log=False, from_zero=True, count=6):
    """A scale with ticks at round numbers that holds all values."""
    if log and any(value > 0 for value in values):
        return _log_scale([value for value in values if value > 0])
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0), max(high, 0)
    if high == low:
        low, high = (0, 1) if high == 0 else (min(low, 0), max(high, 0))
    rough = (high / count - low / count) or 1
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    if from_zero:  # the axis of values ends at ticks, that of x where x ends
        low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Scale(low, high, [index * step for index in range(first, last + 1)], False)


def _log_scale(values):
    def below(value):
        power = 10.0 ** math.floor(math.log10(value))
        return max(power * factor for factor in (0.5, 1, 2, 5) if power * factor < value * 0.95)

    low, least, most = below(min(values)), min(values), max(values)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(most)) + 2)
    every = max(1, len(exponents) // 8)
    factors = (1, 2, 5) if most / least < 300 else (1,)
    marks = [10.0 ** exponent * factor for exponent in exponents if exponent % every == 0
             for factor in factors]
    if len(factors) == 1:
        low = max(mark for mark in [*marks, 10.0 ** exponents[0]] if mark <= low * 1.001)
    high = min([mark for mark in marks if mark >= most * 0.999] or [most])
    inside = [mark for mark in marks if low * 0.999 <= mark <= high * 1.001]
    return Scale(low, max(high, low * 10), inside, True)


def tick_text(value):
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        return f"{value:.0e}"
    for size, letter in COMPACT:
        if abs(value) >= size:
            return f"{value / size:,.6g} {letter}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def value_text(value, whole=False):
    """The figure beside a bar; `whole` when all of its plot are whole, and need no decimals."""
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-4:
        return tick_text(float(f"{value:.4g}"))
    decimals = 0 if whole or value == 0 else decimals_for([value])
    return f"{value:,.{decimals}f}"


def text_px(text, size, bold=False):
    """About how wide a text is: nothing here can measure it, so rather too wide."""
    narrow = sum(char in " .,:;'|!ijltfr()[]-" for char in text)
    wide = sum(char in "mwMW@%–—" or ord(char) > 0x2e80 for char in text)
    ems = 0.35 * narrow + 0.95 * wide + 0.6 * (len(text) - narrow - wide)
    return size * ems * (1.1 if bold else 1)


def fitted(text, size, width):
    text = str(text)
    if text_px(text, size) <= width:
        return text
    while text and text_px(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text, size, width):
    lines = []
    for word in text.split():
        if lines and text_px(lines[-1] + " " + word, size) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
