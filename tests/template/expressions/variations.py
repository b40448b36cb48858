"""Values as they may be: a sample with marks becomes a base and everything that may differ from it."""

import itertools

# Whatever a text from outside may hold.
ODD_TEXT = "\"quoted\" 'single' \\ \\n {\"a\": [\n\r\ttab] } é 漢 🙂 \u2028 {% $x %} ${y} $1"
# The most combinations of closed values that are tried; beyond it, one value is changed at a time.
MOST_COMBINATIONS = 100
# The most inputs with an open value beside a combination; beyond it, beside one changed value.
MOST_INPUTS = 60
# The fewest characters of a long text.
LONG = 10_000


class OneOf:
    """One of a closed set of values; the first is the base."""

    def __init__(self, *values):
        self.values = values


class UpTo(OneOf):
    """A count that the state machine limits: 0, one, and its largest value."""

    def __init__(self, most):
        super().__init__(1, 0, most)


class Maybe:
    """A member that may be missing."""

    def __init__(self, value):
        self.value = value


class OrEmpty:
    """An object that may be empty."""

    def __init__(self, value):
        self.value = value


class Free(OrEmpty):
    """An object with other members than these, or none."""


class Words:
    """A text of somebody else's, with more values that are tried."""

    def __init__(self, *values):
        self.values = values


class Missing:
    """Marks a member that is left out."""


def alternatives(samples):
    """Returns the samples of a tuple of them, or the only one."""
    return samples if isinstance(samples, tuple) else (samples,)


def has(sample, path):
    """Whether a value can have a member at a path, in one of the elements of each list."""
    if not path:
        return True
    match sample:
        case tuple() | list():
            return any(has(one, path) for one in sample)
        case OneOf() | Words():
            return any(has(one, path) for one in sample.values)
        case Free():
            return True
        case Maybe() | OrEmpty():
            return has(sample.value, path)
        case dict():
            return path[0] in sample and has(sample[path[0]], path[1:])
        case _:
            return False


def base(sample):
    """Returns the value that a sample represents."""
    match sample:
        case OneOf() | Words():
            return sample.values[0]
        case Maybe() | OrEmpty():
            return base(sample.value)
        case dict():
            return {name: base(one) for name, one in sample.items()}
        case list():
            return [base(one) for one in sample]
        case _:
            return sample


def changes(sample, path=()):
    """Yields (path, closed, values) for each part of a sample that may have other values than its base."""
    match sample:
        case OneOf():
            yield path, True, sample.values[1:]
        case Words():
            yield path, False, [*sample.values[1:], "", ODD_TEXT]
        case Maybe():
            yield path, True, [Missing]
            yield from changes(sample.value, path)
        case OrEmpty():
            yield path, True, [{}]
            yield from changes(sample.value, path)
        case dict():
            for name, one in sample.items():
                yield from changes(one, (*path, name))
        case list():
            value = base(sample)
            yield path, False, [[], value[:1], value * 6]
            for at, one in enumerate(sample):
                yield from changes(one, (*path, at))
        case bool():
            yield path, True, [not sample]
        case int():
            yield path, False, [0, 10**15]
        case str():
            yield path, False, ["", ODD_TEXT]


def changed(value, path, new):
    """Returns a copy with another value at a path; unchanged if an earlier change removed what the path leads to."""
    if not path:
        return new
    copy = value.copy()
    if isinstance(copy, dict) and path[0] not in copy or isinstance(copy, list) and path[0] >= len(copy):
        return copy
    new = changed(copy[path[0]], path[1:], new)
    if new is Missing:
        del copy[path[0]]
    else:
        copy[path[0]] = new
    return copy


def variations(sample, used):
    """Yields the base and its variations, in the parts for whose path `used` is true: all combinations of closed values,
    and each with one open value at a time, as long as these are not too many."""
    parts = [part for part in changes(sample) if used(part[0])]
    closed = [[(path, new) for new in values] for path, is_closed, values in parts if is_closed]
    opened = [(path, new) for path, is_closed, values in parts if not is_closed for new in values]
    combinations = [[change for change in chosen if change] for chosen in itertools.product(*([None, *one] for one in closed))]
    single = [[], *([change] for one in closed for change in one)]
    if len(combinations) > MOST_COMBINATIONS:
        combinations = single
    some = combinations if len(combinations) * len(opened) <= MOST_INPUTS else single
    for combination in combinations:
        yield apply(sample, combination)
    for combination, change in itertools.product(some, opened):
        # Long texts take long, so each is tried once.
        if not combination or not isinstance(change[1], str) or len(change[1]) < LONG:
            yield apply(sample, [*combination, change])


def apply(sample, chosen):
    value = base(sample)
    # Inner parts first, so that a part that is left out stays out.
    for path, new in sorted(chosen, key=lambda change: -len(change[0])):
        value = changed(value, path, new)
    return value
