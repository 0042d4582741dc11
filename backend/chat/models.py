"""What was said: conversations, their messages with what these drew on, and feedback."""

import uuid

from django.db import models
from django.db.models import Q

from backend.accounts.models import Channel, User, Workspace
from knowledge.models import DocumentVersion, Section, Space


class Conversation(models.Model):
    """A run of questions and answers in one place: private to a user, or in a channel's thread."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-updated_at"])]

    def __str__(self) -> str:
        return self.title


class Speaker(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class Message(models.Model):
    """One turn. It may be shown or repeated only where all of `spaces` are within the audience."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    # Who asked: of a question and of its answer.
    asker = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    speaker = models.CharField(max_length=10, choices=Speaker.choices)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    category = models.CharField(max_length=20, blank=True)
    provider = models.CharField(max_length=20, blank=True)
    notice = models.TextField(blank=True)
    used_context = models.BooleanField(default=False)
    refused = models.BooleanField(default=False)
    # What the turn drew on: everything that was put before the model, cited or not.
    spaces = models.ManyToManyField(Space)
    versions = models.ManyToManyField(DocumentVersion)
    # The text is gone because a document that it used was removed.
    erased_at = models.DateTimeField(null=True)
    # What it was asked for, in the words of who asked, until they are done with it.
    asked_for = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["created_at"]),
            models.Index(
                fields=["asked_for"], condition=Q(asked_for__isnull=False), name="not_noted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.speaker} in {self.conversation_id}"


class Source(models.Model):
    """A citation of an answer: the very stretch of the very version that it used."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="sources")
    number = models.PositiveIntegerField()
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE)
    section = models.ForeignKey(Section, null=True, on_delete=models.SET_NULL)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    excerpt = models.TextField()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"[{self.number}] of {self.message_id}"


class Feedback(models.Model):
    """A person's thumb on an answer."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    helpful = models.BooleanField()
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="one_thumb_a_person")
        ]

    def __str__(self) -> str:
        return f"{'up' if self.helpful else 'down'} on {self.message_id}"
