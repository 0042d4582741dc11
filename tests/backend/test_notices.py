"""What admins are told of maintenance: failures once, and a digest that quotes only what its reader
may read."""

from datetime import timedelta

from django.utils import timezone

from backend import db
from backend.accounts.models import Channel, Installation, User
from backend.accounts.people import record_joined, record_person
from backend.accounts.spaces import channel_key, home, personal_key, space_for
from backend.chat.models import Conversation, Feedback, Message, Source, Speaker
from backend.jobs import notices, slots
from backend.jobs.digests import digest
from backend.jobs.models import Notice, NoticeKind, Slot, SlotState
from backend.jobs.registry import JOBS
from knowledge.models import Document, Space
from management import jobs
from tests.conftest import AddText

HOUR = timedelta(hours=1)


def give_up(hours: int, state: str = SlotState.FAILED) -> Slot:
    """A slot of `purge` so many hours after the first one."""
    at = timezone.now() - 100 * HOUR + hours * HOUR
    return Slot.objects.create(
        job="purge", at=at, state=state, reason="The disk is full.", ended_at=at
    )


def test_a_job_that_was_given_up_is_told_once_until_it_succeeds_again(admin: User) -> None:
    told = []
    for hour, state in enumerate(("failed", "failed", "done", "failed", "failed")):
        give_up(hour, state)
        told.append(notices.tell_of_failures())

    assert told == [1, 0, 0, 1, 0]
    notice = Notice.objects.earliest("pk")
    assert (notice.kind, notice.workspace) == (NoticeKind.FAILURE, home())
    said = notices.text_for(notice, admin)
    assert said.startswith("The maintenance job purge was given up. The disk is full.")


def test_a_run_that_was_asked_for_and_failed_is_told_like_any_other(admin: User) -> None:
    give_up(1, SlotState.DONE)
    slots.ask_for(JOBS["purge"], admin)
    Slot.objects.filter(state=SlotState.RECEIVED).update(state=SlotState.FAILED)

    assert notices.tell_of_failures() == 1


class Talk:
    """A question and its answer, now."""

    def __init__(
        self,
        question: str,
        *spaces: Space,
        asker: User,
        channel: Channel | None = None,
        refused: bool = False,
    ) -> None:
        owner = None if channel else asker
        self.talk = Conversation.objects.create(
            workspace=home(), user=owner, channel=channel, title="x"
        )
        said = self.talk.messages
        self.question = said.create(speaker=Speaker.USER, text=question, asker=asker)
        self.answer = said.create(
            speaker=Speaker.ASSISTANT, text="So it is.", asker=asker, refused=refused
        )
        for message in (self.question, self.answer):
            message.spaces.add(*spaces)


def told(admin: User) -> str:
    return digest(home(), admin, timezone.now() - HOUR, timezone.now() + HOUR)


def test_a_digest_counts_what_was_asked_and_the_share_that_was_answered(
    admin: User, member: User, team: Space
) -> None:
    for number in range(3):
        Talk(f"question {number}", team, asker=member, refused=number == 0)
    old = Talk("an old question", team, asker=member)
    Message.objects.filter(conversation=old.talk).update(created_at=timezone.now() - 2 * HOUR)

    assert "Questions asked: 3. Answered: 67%." in told(admin)


def test_a_question_is_quoted_only_to_who_may_read_all_that_it_drew_on(
    admin: User, member: User, team: Space
) -> None:
    theirs = space_for(personal_key(home(), member))
    Talk("what of the `team` and https://evil.example?", team, asker=member, refused=True)
    Talk("what of my canary?", theirs, asker=member, refused=True)
    Talk("what of my canary and the team?", team, theirs, asker=member, refused=True)

    said = told(admin)

    assert "- `what of the ´team´ and https://evil.example?`" in said
    assert "canary" not in said
    assert "Could not be answered: 3\n- " in said
    assert "- 2 that can't be quoted here" in said


def test_what_was_asked_in_private_and_drew_on_nothing_is_counted(
    admin: User, member: User
) -> None:
    Talk("am I being dismissed?", asker=member, refused=True)

    assert "dismissed" not in told(admin)
    assert "- 1 that can't be quoted here" in told(admin)


def test_what_was_asked_in_a_channel_is_quoted_to_who_is_in_it(member: User) -> None:
    slack = Installation.objects.create(platform="slack", external_id="T1", workspace=home())
    channel = Channel.objects.create(installation=slack, external_id="C1")
    space_for(channel_key("slack", "T1", "C1"))
    inside, outside = (record_person(slack, name, "team") for name in ("U1", "U2"))
    record_joined(inside, ["C1"], timezone.now())
    Talk("what of the channel?", asker=member, channel=channel, refused=True)

    assert "what of the channel?" in told(inside.user)
    assert "what of the channel?" not in told(outside.user)


def test_a_question_whose_document_was_removed_is_quoted_no_more(
    admin: User, member: User, team: Space, add_text: AddText
) -> None:
    version = add_text("some text")
    asked = Talk("what of the text?", team, asker=member, refused=True)
    asked.question.versions.add(version)
    assert "what of the text?" in told(admin)

    Document.objects.filter(pk=version.document_id).update(removed_at=timezone.now())

    assert "what of the text?" not in told(admin)


def test_the_worst_rated_answers_come_first(admin: User, member: User, team: Space) -> None:
    for question, thumbs in (("liked", [True]), ("once", [False]), ("twice", [False, False])):
        answer = Talk(question, team, asker=member).answer
        for user, helpful in zip((admin, member), thumbs, strict=False):
            Feedback.objects.create(message=answer, user=user, helpful=helpful)

    said = told(admin)

    assert "Rated as not helpful: 2\n- `twice`\n- `once`" in said
    assert "liked" not in said


def test_documents_that_no_answer_has_named_are_listed(
    admin: User, member: User, team: Space, add_text: AddText
) -> None:
    cited, never = add_text("cited", "cited.txt"), add_text("never", "never.txt")
    add_text("young", "young.txt")
    add_text("secret", "secret.txt", space_for(personal_key(home(), member)))
    old = Document.objects.exclude(name="young.txt")
    old.update(created_at=timezone.now() - 2 * HOUR)
    answer = Talk("which?", team, asker=member).answer
    Source.objects.create(message=answer, number=1, version=cited, start=0, end=1, excerpt="c")

    assert f"Documents that no answer has named yet: 1 (`{never.document.name}`)" in told(admin)


def test_jobs_that_were_given_up_are_counted(admin: User) -> None:
    for hour in (98, 99):
        give_up(hour + 1)
    ended = timezone.now()
    Slot.objects.update(ended_at=ended)

    assert "Maintenance jobs that were given up: purge (2)" in told(admin)


def test_the_job_tells_each_workspace_once_an_interval(
    admin: User, member: User, team: Space
) -> None:
    asked = Talk("a question", team, asker=member)
    within = JOBS["digest"].slot_at(db.clock()) - HOUR
    Message.objects.filter(conversation=asked.talk).update(created_at=within)

    assert jobs.digest() == "Told the admins of 1 workspaces how they were served."
    jobs.digest()

    notice = Notice.objects.get()
    assert "Questions asked: 1." in notices.text_for(notice, admin)


def test_a_quiet_week_is_not_told(admin: User) -> None:
    assert jobs.digest() == "There was nothing to tell."
    assert not Notice.objects.exists()
