"""What people write in Slack, as plain words."""

import pytest

from bot.slack.text import mentions, plain_text

BOT = "U0B0T"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("R&amp;D &lt;now&gt; &amp;lt;", "R&D <now> &lt;"),
        (f"<@{BOT}> hello", "hello"),
        (f"hello <@{BOT}|askwell> there, <@{BOT}>", "hello there,"),
        (f"\n<@{BOT}>\n  indented\n", "indented"),
        ("ask <@U2|ben> or <@U3> <@U3|> today", "ask @ben or today"),
        ("in <#C1|general> and <#C2> and <#C3|>", "in #general and #C2 and #C3"),
        ("<!here> <!subteam^S1|@sales> <!subteam^S2>", "@here @sales @subteam"),
        ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
        ("<https://example.org/a?b=1&amp;c=2>", "https://example.org/a?b=1&c=2"),
        ("<http://notes.md|notes.md> <mailto:a@b.org|a@b.org>", "notes.md a@b.org"),
        ("two  spaces\tstay", "two  spaces\tstay"),
        ("a &lt;@U2&gt; that was typed", "a <@U2> that was typed"),
        ("1 < 2 and <unclosed", "1 < 2 and <unclosed"),
    ],
)
def test_text_is_read_as_it_was_meant(written: str, words: str) -> None:
    assert plain_text(written, BOT) == words


def test_mentions_are_read_in_order() -> None:
    assert mentions(f"<@U2|ben> <#C1> <@{BOT}> &lt;@U4&gt;") == ["U2", BOT]
