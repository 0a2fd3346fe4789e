"""What fixtures are made of."""


def started(make):
    """The body of a fixture: what starts one more by `make`; all of them are closed at the end.

    It returns them, for what remains to be said of them then.
    """
    found = []

    def start(*arguments, **options):
        found.append(make(*arguments, **options))
        return found[-1]

    yield start
    for one in found:
        one.close()
    return found


def sound(backends):
    """`started` by making backends; what they met with that must not be fails the test."""
    found = yield from started(backends)
    for one in found:
        assert not one.problems, f"{one.name} was sent what it must not be: {one.problems}"
